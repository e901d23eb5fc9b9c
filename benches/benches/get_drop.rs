//! Getting an idle object and giving it back, on one thread, by criterion.

#![expect(missing_docs, reason = "criterion's macros write the items")]

use criterion::{Criterion, criterion_group, criterion_main};
use millpond_benches::Steps;
use std::time::Instant;

fn get_drop(c: &mut Criterion) {
    let mut group = c.benchmark_group("get_drop");
    let contenders: [(&str, Steps); 3] = [
        ("floor", millpond_benches::floor()),
        ("millpond", millpond_benches::millpond()),
        ("deadpool", millpond_benches::deadpool()),
    ];
    for (name, mut steps) in contenders {
        group.bench_function(name, |b| {
            b.iter_custom(|count| {
                let start = Instant::now();
                steps(count);
                start.elapsed()
            });
        });
    }
    group.finish();
}

criterion_group!(benches, get_drop);
criterion_main!(benches);
