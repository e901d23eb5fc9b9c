//! `lab serve`, as a program: it says where it listens, and ends when it is told to, with nothing left behind.
#![cfg(unix)]

use std::io::{BufRead, BufReader, Read};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

#[test]
fn it_says_where_it_listens_and_ends_in_good_order() {
    for signal in ["TERM", "INT"] {
        let (mut lab, url) = serve(&["--notice-ms", "0"]);
        let address = url.strip_prefix("http://").unwrap();
        TcpStream::connect(address).unwrap();
        tell(&lab, signal);
        assert!(lab.0.wait().unwrap().success(), "{signal}");
        let mut said = String::new();
        let mut errors = lab.0.stderr.take().unwrap();
        errors.read_to_string(&mut said).unwrap();
        assert!(said.contains("every connection is back"), "{said}");
        assert!(TcpStream::connect(address).is_err());
    }
}

#[test]
fn whoever_tells_it_twice_does_not_wait() {
    let (mut lab, _) = serve(&["--notice-ms", "600000"]);
    let mut said = BufReader::new(lab.0.stderr.take().unwrap()).lines();
    tell(&lab, "TERM");
    let mut next = || said.next().unwrap().unwrap();
    assert!(next().contains("Once more ends it at once"));
    tell(&lab, "TERM");
    assert!(next().contains("told twice to end"));
    assert_eq!(lab.0.wait().unwrap().code(), Some(3));
}

#[test]
fn an_address_that_is_taken_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let lab = command(&["--listen", &address]).output().unwrap();
    assert_eq!(lab.status.code(), Some(3));
    let said = String::from_utf8(lab.stderr).unwrap();
    assert!(
        said.contains(&format!("cannot listen on {address}")),
        "{said}"
    );
}

fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lab"));
    command.arg("serve").args(args);
    command
}

/// It, whatever becomes of the test.
struct Lab(Child);

impl Drop for Lab {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A service that listens, and where.
fn serve(args: &[&str]) -> (Lab, String) {
    let mut command = command(args);
    command.args(["--listen", "127.0.0.1:0"]);
    let command = command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut lab = Lab(command.spawn().unwrap());
    let said = BufReader::new(lab.0.stdout.take().unwrap());
    let mut lines = said.lines().map(Result::unwrap);
    let url = lines.find_map(|line| line.strip_prefix("Listening on ").map(str::to_owned));
    (lab, url.expect("it says where it listens"))
}

fn tell(Lab(lab): &Lab, signal: &str) {
    let pid = lab.id().to_string();
    let told = Command::new("kill").args(["-s", signal, &pid]).status();
    assert!(told.unwrap().success());
}
