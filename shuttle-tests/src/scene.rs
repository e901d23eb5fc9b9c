//! One execution: a pool, its actors, and what must hold when all of them are done.

use crate::actor::{Actor, MOST, Resizer};
use crate::diary;
use crate::dice::Dice;
use crate::pool::Pool;
use millpond::engine::idle::Order;
use shuttle::rand::{RngCore, thread_rng};
use shuttle::thread;

/// What becomes of the maximum.
#[derive(Clone, Copy, Debug)]
pub enum Shape {
    /// It only grows. So LIM is exact: no more objects than the maximum of that very moment.
    Growing,
    /// It goes up and down, to nothing too.
    Breathing,
    /// It goes up and down, and the pool is closed.
    Closing,
}

/// What is drawn before the threads begin.
#[derive(Debug)]
struct Plan {
    shape: Shape,
    order: Order,
    max: usize,
    cap: usize,
    /// How many steps each actor does. The first one changes the bounds.
    steps: Vec<usize>,
}

impl Plan {
    fn draw(shape: Shape, dice: &mut Dice) -> Self {
        let max = dice.between(1, MOST);
        let actors = dice.between(3, 6);
        Self {
            shape,
            order: dice.pick(&[(1, Order::Fifo), (1, Order::Lifo)]),
            max,
            cap: dice.pick(&[(1, 1), (1, 2), (2, MOST)]),
            steps: (0..actors).map(|_| dice.between(10, 30)).collect(),
        }
    }
}

/// Plays one script to its end, and checks the pool at rest. Everything in it is decided by shuttle's own
/// random numbers, so a replayed schedule plays the same script.
pub fn play(shape: Shape) {
    let mut dice = Dice::new(thread_rng().next_u64());
    let plan = Plan::draw(shape, &mut dice);
    diary::open(format!("{plan:?}"));
    let pool = Pool::new(plan.max, plan.cap, plan.order);
    let actors: Vec<_> = (0..plan.steps.len())
        .map(|number| spawn(number, &plan, &pool, dice.fork()))
        .collect();
    let closing = matches!(shape, Shape::Closing);
    if closing {
        pool.wait_for_end();
    }
    for actor in actors {
        actor.join().expect("an actor does not panic");
    }
    pool.at_rest(closing);
}

fn spawn(number: usize, plan: &Plan, pool: &Pool, dice: Dice) -> thread::JoinHandle<()> {
    let resizer = Resizer {
        shape: plan.shape,
        max: plan.max,
        cap: plan.cap,
        paused: false,
    };
    let resizer = (number == 0).then_some(resizer);
    let (actor, steps) = (Actor::new(number, pool, dice, resizer), plan.steps[number]);
    thread::spawn(move || actor.play(steps))
}
