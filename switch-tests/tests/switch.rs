//! One service, built in five ways: whoever asks it cannot tell which.

use millpond_switch_tests::{Answer, Asked, HeldRow, Service, Way, wait_until};
use millpond_testdb::{Database, Server};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};

/// Each way, and the program that came of it. Built one after the other, by whichever test comes first.
fn built() -> &'static [(Way, PathBuf)] {
    static BUILT: OnceLock<Vec<(Way, PathBuf)>> = OnceLock::new();
    BUILT.get_or_init(|| Way::ALL.map(|way| (way, way.build())).into())
}

/// The service on a database of its own.
struct Stand {
    service: Service,
    database: Database,
}

impl Stand {
    /// Two connections, and patience for a second.
    fn new(program: &std::path::Path) -> Self {
        let server = Server::shared().unwrap_or_else(|error| panic!("{error}"));
        let database = server.database().expect("a database");
        let settings = [
            ("PG__POOL__MAX_SIZE", "2"),
            ("PG__POOL__TIMEOUTS__WAIT__SECS", "1"),
            ("PG__POOL__TIMEOUTS__WAIT__NANOS", "0"),
        ];
        let service = Service::start(program, &database.config(), NAME, &settings);
        Self { service, database }
    }

    /// The same, where the answer tells how many connections lie idle, when all do: one that came back with something
    /// still to be answered by the server is on ours not idle before that, on deadpool at once.
    fn ask_at_rest(&self, asked: &Asked) -> Answer {
        let deadline = Instant::now() + Duration::from_secs(10);
        loop {
            let answer = self.ask(asked);
            let at_rest = answer.body.get("available") == answer.body.get("size");
            if at_rest || Instant::now() > deadline {
                return answer;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn ask(&self, asked: &Asked) -> Answer {
        self.service.ask(asked)
    }

    fn add(&self, name: &str, balance: i64) {
        let added = self.ask(&Asked::post(
            "/accounts",
            json!({"name": name, "balance": balance}).to_string(),
        ));
        assert_eq!(added.status, 201, "{added:?}");
    }

    fn status(&self, field: &str) -> Value {
        self.ask(&Asked::get("/status")).body[field].clone()
    }

    /// How many of the service's backends are as `condition` says.
    fn backends(&self, condition: &str) -> u64 {
        let count = format!(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = '{}' \
             AND application_name = '{NAME}' AND {condition}",
            self.database.name()
        );
        let count = self.database.query(&count).expect("an answer");
        count.and_then(|count| count.parse().ok()).expect("a count")
    }

    /// Ends the service, and looks that nothing of it is left.
    fn end(self) {
        self.service.end();
        wait_until("the server sees no connection", || {
            let left = self.database.count_connections(NAME);
            left.expect("an answer") == 0
        });
    }
}

fn transfer(from: &str, to: &str, amount: i64) -> Asked {
    let body = json!({"from": from, "to": to, "amount": amount});
    Asked::post("/transfers", body.to_string())
}

/// Does the same with each of them, and expects the same of each.
#[track_caller]
fn alike<T: PartialEq + std::fmt::Debug>(mut work: impl FnMut(&Stand) -> T) -> T {
    let mut first = None;
    for (way, program) in built() {
        let stand = Stand::new(program);
        let seen = work(&stand);
        stand.end();
        match &first {
            None => first = Some(seen),
            Some(first) => assert_eq!(first, &seen, "left as it is, right {}", way.name()),
        }
    }
    first.expect("there are ways")
}

#[test]
fn each_is_built_of_what_the_guide_says() {
    for (way, _) in built() {
        let lock = way.lock();
        let postgres = "deadpool-postgres";
        let (theirs, ours) = match way {
            Way::AsItIs => (vec!["deadpool", postgres], vec![]),
            Way::Pool => (vec![postgres], vec!["deadpool", "millpond"]),
            Way::Patch | Way::Line => (vec![], vec![postgres, "millpond"]),
            Way::Library => (vec![], vec!["millpond"]),
        };
        for name in ["deadpool", postgres, "millpond"] {
            let expected = (theirs.contains(&name), ours.contains(&name));
            let seen = (lock.has_published(name), lock.has_ours(name));
            assert_eq!(seen, expected, "{name}, built {}", way.name());
        }
    }
}

#[test]
fn nothing_in_the_service_knows_of_millpond() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/switch/src");
    let mut files = 0;
    for entry in std::fs::read_dir(folder).expect("sources") {
        let path = entry.expect("a file").path();
        let text = std::fs::read_to_string(&path).expect("a text");
        assert!(!text.contains("millpond"), "{}", path.display());
        files += 1;
    }
    assert!(files >= 4, "{files} files");
}

#[test]
fn every_question_has_the_same_answer() {
    let asked = [
        Asked::get("/accounts"),
        Asked::post("/accounts", r#"{"name":"alice","balance":100}"#),
        Asked::post("/accounts", r#"{"name":"bob","balance":0}"#),
        Asked::post("/accounts", r#"{"name":"bob","balance":7}"#),
        Asked::post("/accounts", r#"{"name":"eve"}"#),
        transfer("alice", "bob", 30),
        transfer("alice", "bob", 71),
        transfer("alice", "nobody", 1),
        Asked::get("/accounts"),
        Asked::get("/status"),
        Asked::get("/nowhere"),
    ];
    let answers = alike(|stand| asked.each_ref().map(|asked| stand.ask_at_rest(asked)));

    let statuses = answers.each_ref().map(|answer| answer.status);
    let expected = [200, 201, 201, 409, 422, 200, 409, 404, 200, 200, 404];
    assert_eq!(statuses, expected, "{answers:?}");
    let accounts = json!([{"name": "alice", "balance": 70}, {"name": "bob", "balance": 30}]);
    assert_eq!(answers[8].body, accounts);
    let status = json!({"max_size": 2, "size": 1, "available": 1, "waiting": 0});
    assert_eq!(answers[9].body, status);
}

#[test]
fn when_all_connections_are_busy_it_says_so_and_goes_on_afterwards() {
    let seen = alike(|stand| {
        stand.add("alice", 100);
        stand.add("bob", 0);
        let row = HeldRow::of_account(&stand.database.config(), "alice");
        thread::scope(|scope| {
            let [first, second] =
                [(); 2].map(|()| scope.spawn(|| stand.ask(&transfer("alice", "bob", 10)).status));
            wait_until("both connections wait for the row", || {
                stand.backends("wait_event_type = 'Lock'") == 2
            });
            let refused = stand.ask(&Asked::get("/accounts"));
            let status = stand.ask(&Asked::get("/status")).body;
            row.let_go();
            let done = [first, second].map(|task| task.join().expect("an answer"));
            let accounts = stand.ask(&Asked::get("/accounts")).body;
            (refused, status, done, accounts)
        })
    });
    let (refused, status, done, accounts) = seen;
    assert_eq!(
        (refused.status, refused.body),
        (503, json!({"error": "busy"}))
    );
    assert_eq!(
        status,
        json!({"max_size": 2, "size": 2, "available": 0, "waiting": 0})
    );
    assert_eq!(done, [200, 200]);
    assert_eq!(accounts[0]["balance"], 80);
}

#[test]
fn who_goes_away_in_the_middle_of_a_transfer_leaves_nothing() {
    let seen = alike(|stand| {
        stand.add("alice", 100);
        stand.add("bob", 0);
        let row = HeldRow::of_account(&stand.database.config(), "bob");
        stand.service.ask_and_go(&transfer("alice", "bob", 10), || {
            wait_until("the transfer waits for the row", || {
                stand.backends("wait_event_type = 'Lock'") == 1
            });
        });
        wait_until("the connection came back", || {
            stand.status("available") == stand.status("size")
        });
        row.let_go();
        wait_until("no transaction is open", || {
            stand.backends("state <> 'idle'") == 0
        });
        let after = stand.ask(&transfer("bob", "alice", 0)).status;
        (after, stand.ask(&Asked::get("/accounts")).body)
    });
    let untouched = json!([{"name": "alice", "balance": 100}, {"name": "bob", "balance": 0}]);
    assert_eq!(seen, (200, untouched));
}

const NAME: &str = "millpond-switch";
