//! Several pools that draw on one budget: who waits for a place in it, beside everything that frees one.
#![cfg(millpond_loom)]

use millpond_loom_tests::{ALL, FIVE, FOUR, Fund, THREE, TWO, Thing, explore};

/// Forbids that who begins to wait for a place sleeps beside the one that is freed just then.
#[test]
fn budget_free_draw() {
    explore("budget_free_draw", ALL, || {
        let fund = Fund::new(1, 2);
        let thing = fund.tenant(0).hold();
        let kept = fund
            .race()
            .and(|fund| close(fund, 0, thing))
            .and(|fund| get(fund, 1))
            .run();
        give_back_all(&fund, [0, 1], kept);
        fund.at_rest(1, 1);
    });
}

/// Forbids that of two who wait in two pools one sleeps on when the place comes to it in turn.
#[test]
fn budget_free_two_waiters() {
    explore("budget_free_two_waiters", THREE, || {
        let fund = Fund::new(1, 3);
        let thing = fund.tenant(0).hold();
        let (first, second) = (fund.tenant(1).waiting(), fund.tenant(2).waiting());
        fund.race()
            .and(|fund| close(fund, 0, thing))
            .and(|fund| close(fund, 1, first.wait()))
            .and(|fund| close(fund, 2, second.wait()))
            .run();
        fund.at_rest(1, 0);
    });
}

/// Forbids that a place which is given to one who leaves just then is lost to the next.
#[test]
fn budget_cancel_hand_over() {
    explore("budget_cancel_hand_over", FOUR, || {
        let fund = Fund::new(1, 3);
        let thing = fund.tenant(0).hold();
        let (first, second) = (fund.tenant(1).waiting(), fund.tenant(2).waiting());
        let kept = fund
            .race()
            .and(|fund| close(fund, 0, thing))
            .and(|_| leave(first))
            .and(|_| Some(second.wait()))
            .run();
        give_back_all(&fund, [0, 1, 2], kept);
        fund.at_rest(1, 1);
    });
}

/// Forbids that who asks with another waker sleeps on when its place comes just then.
#[test]
fn budget_waker_replaced() {
    explore("budget_waker_replaced", ALL, || {
        let fund = Fund::new(1, 2);
        let thing = fund.tenant(0).hold();
        let waiter = fund.tenant(1).waiting();
        let kept = fund
            .race()
            .and(|fund| close(fund, 0, thing))
            .and(|_| Some(waiter.anew().wait()))
            .run();
        give_back_all(&fund, [0, 1], kept);
        fund.at_rest(1, 1);
    });
}

/// Forbids that who begins to wait overlooks the object that becomes idle elsewhere, and that one it.
#[test]
fn budget_draw_return() {
    explore("budget_draw_return", FIVE, || {
        let fund = Fund::new(1, 2);
        let thing = fund.tenant(0).hold();
        let kept = fund
            .race()
            .and(|fund| give_back(fund, 0, thing))
            .and(|fund| get(fund, 1))
            .run();
        assert_eq!(fund.ended(), 1);
        give_back_all(&fund, [0, 1], kept);
        fund.at_rest(1, 1);
    });
}

/// Forbids that who waits sleeps beside an object that is claimed and given back while everybody looks.
#[test]
fn budget_draw_claim_return() {
    explore("budget_draw_claim_return", THREE, || {
        let fund = Fund::new(1, 2);
        fund.tenant(0).warm();
        let kept = fund
            .race()
            .and(|fund| {
                let thing = fund.tenant(0).get();
                give_back(fund, 0, thing)
            })
            .and(|fund| {
                let thing = fund.tenant(1).get();
                give_back(fund, 1, thing)
            })
            .run();
        give_back_all(&fund, [0, 1], kept);
        fund.at_rest(1, 1);
    });
}

/// Forbids that of two objects which become idle in two pools none is closed for who waits, or both.
#[test]
fn budget_return_return() {
    explore("budget_return_return", TWO, || {
        let fund = Fund::new(2, 3);
        let (first, second) = (fund.tenant(0).hold(), fund.tenant(1).hold());
        let waiter = fund.tenant(2).waiting();
        let kept = fund
            .race()
            .and(|fund| give_back(fund, 0, first))
            .and(|fund| give_back(fund, 1, second))
            .and(|_| Some(waiter.wait()))
            .run();
        assert_eq!(fund.ended(), 1, "one for one");
        give_back_all(&fund, [0, 1, 2], kept);
        fund.at_rest(2, 2);
    });
}

/// Forbids that who found nothing to close leaves it at that, although news came for who was content with its search.
#[test]
fn budget_search_return() {
    explore("budget_search_return", THREE, || {
        let fund = Fund::new(2, 3);
        let (first, second) = (fund.tenant(0).hold(), fund.tenant(1).hold());
        let waiter = fund.tenant(2).waiting();
        let kept = fund
            .race()
            .and(|fund| give_back(fund, 0, first))
            .and(|fund| fund.tenant(0).claim())
            .and(|fund| give_back(fund, 1, second))
            .run();
        let thing = waiter.wait();
        give_back_all(&fund, [0, 0, 1], kept);
        fund.tenant(2).give_back(thing);
        fund.rests(2);
    });
}

/// Forbids that who waits for a place loses what its own pool hands it meanwhile, or what the budget does.
#[test]
fn budget_free_return() {
    explore("budget_free_return", TWO, || {
        let fund = Fund::new(2, 2);
        let (own, other) = (fund.tenant(0).hold(), fund.tenant(1).hold());
        let waiter = fund.tenant(0).waiting();
        let kept = fund
            .race()
            .and(|fund| give_back(fund, 0, own))
            .and(|fund| close(fund, 1, other))
            .and(|_| Some(waiter.wait()))
            .run();
        give_back_all(&fund, [0, 1, 0], kept);
        fund.rests(2);
    });
}

/// Forbids that a pool which is busy keeps both places from one that begins to wait.
#[test]
fn budget_busy_draw() {
    explore("budget_busy_draw", THREE, || {
        let fund = Fund::new(2, 2);
        let (first, second) = (fund.tenant(0).hold(), fund.tenant(0).hold());
        let waiter = fund.tenant(0).waiting();
        fund.race()
            .and(|fund| {
                give_back(fund, 0, first);
                let thing = waiter.wait();
                give_back(fund, 0, thing)
            })
            .and(|fund| {
                let thing = fund.tenant(1).get();
                give_back(fund, 1, thing)
            })
            .run();
        fund.tenant(0).give_back(second);
        fund.rests(2);
    });
}

/// Forbids that an object which becomes idle while the budget shrinks stays beyond it, or goes with another.
#[test]
fn budget_shrink_return() {
    explore("budget_shrink_return", THREE, || {
        let fund = Fund::new(2, 2);
        let (first, second) = (fund.tenant(0).hold(), fund.tenant(1).hold());
        fund.race()
            .and(|fund| {
                fund.resize(1);
                None
            })
            .and(|fund| give_back(fund, 0, first))
            .and(|fund| give_back(fund, 1, second))
            .run();
        assert_eq!(fund.ended(), 1);
        fund.at_rest(1, 1);
    });
}

/// Forbids that a place which is freed while the budget shrinks is given to who waits.
#[test]
fn budget_shrink_free() {
    explore("budget_shrink_free", FOUR, || {
        let fund = Fund::new(2, 2);
        let (first, second) = (fund.tenant(0).hold(), fund.tenant(0).hold());
        let waiter = fund.tenant(1).waiting();
        fund.race()
            .and(|fund| {
                fund.resize(1);
                None
            })
            .and(|fund| close(fund, 0, first))
            .and(|fund| close(fund, 0, second))
            .run();
        let thing = waiter.wait();
        fund.tenant(1).give_back(thing);
        fund.at_rest(1, 1);
    });
}

/// Forbids that who begins to wait sleeps beside the room that a growing budget has.
#[test]
fn budget_grow_draw() {
    explore("budget_grow_draw", ALL, || {
        let fund = Fund::new(1, 2);
        let thing = fund.tenant(0).hold();
        let kept = fund
            .race()
            .and(|fund| {
                fund.resize(2);
                None
            })
            .and(|fund| get(fund, 1))
            .run();
        fund.tenant(0).give_back(thing);
        give_back_all(&fund, [0, 1], kept);
        fund.rests(2);
    });
}

/// Forbids that a place which is given to a pool whose last handle goes just then is lost to the next.
#[test]
fn budget_shut_hand_over() {
    explore("budget_shut_hand_over", FOUR, || {
        let mut fund = Fund::new(1, 3);
        let thing = fund.tenant(0).hold();
        let (first, second) = (fund.tenant(1).waiting(), fund.tenant(2).waiting());
        fund.evict(1);
        let kept = fund
            .race()
            .and(|fund| close(fund, 0, thing))
            .and(|_| leave(first))
            .and(|_| Some(second.wait()))
            .run();
        give_back_all(&fund, [0, 0, 1], kept);
        fund.at_rest(1, 1);
    });
}

/// Forbids that a search which meets a pool whose last handle goes loses what lies idle in it, or its demand.
#[test]
fn budget_shut_draw() {
    explore("budget_shut_draw", ALL, || {
        let mut fund = Fund::new(1, 2);
        fund.tenant(0).warm();
        let last = fund.tenant(0);
        fund.evict(0);
        let kept = fund
            .race()
            .and(|_| {
                drop(last);
                None
            })
            .and(|fund| get(fund, 0))
            .run();
        give_back_all(&fund, [0, 0], kept);
        fund.at_rest(1, 1);
    });
}

fn get(fund: &Fund, tenant: usize) -> Option<Thing> {
    Some(fund.tenant(tenant).get())
}

fn leave(visit: millpond_loom_tests::Visit) -> Option<Thing> {
    visit.leave();
    None
}

fn close(fund: &Fund, tenant: usize, thing: Thing) -> Option<Thing> {
    fund.tenant(tenant).close(thing);
    None
}

fn give_back(fund: &Fund, tenant: usize, thing: Thing) -> Option<Thing> {
    fund.tenant(tenant).give_back(thing);
    None
}

/// What the roles have kept goes back, each to its tenant.
fn give_back_all<const N: usize>(fund: &Fund, tenants: [usize; N], kept: Vec<Option<Thing>>) {
    for (tenant, thing) in tenants.into_iter().zip(kept) {
        if let Some(thing) = thing {
            fund.tenant(tenant).give_back(thing);
        }
    }
}
