//! What evolution itself costs, beside the objective: generations of 400 individuals, as an attack with
//! 1, 3 and 5 pixels makes them.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use ocelli_evolution::{Config, Evolution, Gene, Result, Space, StopRules};
use ocelli_random::Seed;

fn generations(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("evolution");
    let stop = StopRules { generations: 10, ..StopRules::default() };
    let config = Config { stop, ..Config::default() };
    for genes in [5, 15, 25] {
        group.throughput(Throughput::Elements(11 * config.population as u64));
        group.bench_function(BenchmarkId::new("rand1", genes), |bencher| {
            bencher.iter(|| evolve(config.clone(), genes));
        });
    }
}

fn evolve(config: Config, genes: usize) -> Result<u64> {
    let space = Space::new(vec![Gene::uniform(0.0, 255.0); genes]);
    let mut evolution = Evolution::new(config, space, Seed(0))?;
    evolution.run(&mut |x: &[f64]| x[0])?;
    Ok(evolution.evaluations())
}

criterion_group!(benches, generations);
criterion_main!(benches);
