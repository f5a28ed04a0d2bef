//! Several processes, played by threads, train the network that one trains.

use super::fixture::{Scene, plain_graph};
use crate::trainer::gradients::reduce_stats;
use crate::{ProcessGroup, Result};
use burn::tensor::{Device, Tensor};
use ocelli_nn::weights::{ReadOptions, StateDict};
use ocelli_nn::{BatchStats, Seen};
use std::sync::{Arc, Barrier, Mutex};
use std::thread;

/// What the threads of a group share: one slot per thread.
#[derive(Debug)]
struct Board {
    slots: Mutex<Vec<Vec<f64>>>,
    barrier: Barrier,
}

/// One thread's view of the group.
#[derive(Debug)]
struct Threads {
    rank: usize,
    board: Arc<Board>,
}

impl Threads {
    fn group(size: usize) -> Vec<Self> {
        let slots = Mutex::new(vec![Vec::new(); size]);
        let board = Arc::new(Board { slots, barrier: Barrier::new(size) });
        (0..size).map(|rank| Self { rank, board: Arc::clone(&board) }).collect()
    }

    fn exchange(&self, values: Vec<f64>) -> Vec<Vec<f64>> {
        self.board.slots.lock().unwrap()[self.rank] = values;
        self.board.barrier.wait();
        let all = self.board.slots.lock().unwrap().clone();
        self.board.barrier.wait();
        all
    }
}

impl ProcessGroup for Threads {
    fn rank(&self) -> usize {
        self.rank
    }

    fn world_size(&self) -> usize {
        self.board.slots.lock().unwrap().len()
    }

    fn all_reduce(&self, values: &mut [f32]) -> Result<()> {
        let mut sums: Vec<f64> = values.iter().map(|value| f64::from(*value)).collect();
        self.all_reduce_f64(&mut sums)?;
        for (value, sum) in values.iter_mut().zip(sums) {
            *value = sum as f32;
        }
        Ok(())
    }

    fn all_reduce_f64(&self, values: &mut [f64]) -> Result<()> {
        let all = self.exchange(values.to_vec());
        for (at, value) in values.iter_mut().enumerate() {
            *value = all.iter().map(|part| part[at]).sum();
        }
        Ok(())
    }

    fn all_gather(&self, values: &[f32]) -> Result<Vec<f32>> {
        let all = self.exchange(values.iter().map(|value| f64::from(*value)).collect());
        Ok(all.concat().into_iter().map(|value| value as f32).collect())
    }

    fn broadcast(&self, values: &mut [f32], root: usize) -> Result<()> {
        let all = self.exchange(values.iter().map(|value| f64::from(*value)).collect());
        for (value, new) in values.iter_mut().zip(&all[root]) {
            *value = *new as f32;
        }
        Ok(())
    }

    fn barrier(&self) -> Result<()> {
        self.board.barrier.wait();
        Ok(())
    }
}

#[test]
fn two_processes_train_the_network_that_one_trains() {
    let overrides = ["optimizer.clip_norm=1.0"];
    let alone = Scene { graph: plain_graph(), ..Scene::new(&overrides) };
    let folder = tempfile::tempdir().unwrap();
    let expected = alone.run(folder.path(), &mut ()).unwrap();

    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let summaries = thread::scope(|scope| {
        let run = |(group, folder): (Threads, &tempfile::TempDir)| {
            let (path, overrides) = (folder.path().to_owned(), &overrides);
            scope.spawn(move || {
                let scene = Scene { graph: plain_graph(), group: &group, ..Scene::new(overrides) };
                scene.run(&path, &mut ()).unwrap()
            })
        };
        let threads: Vec<_> = Threads::group(2).into_iter().zip(&folders).map(run).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
    });

    let values = |summary: &crate::Summary| -> Vec<f32> {
        let path = summary.checkpoint.as_ref().unwrap().file(crate::MODEL);
        let dict = StateDict::open(&path, &ReadOptions::default()).unwrap();
        dict.iter().flat_map(|tensor| tensor.values().unwrap()).collect()
    };
    let error = ocelli_testkit::relative_error(&values(&summaries[0]), &values(&expected));
    assert!(error < 1e-5, "{error}");
    assert!(summaries[1].checkpoint.is_none(), "one process alone writes");
    for summary in &summaries {
        let scores = &summary.evaluation.as_ref().unwrap().scores;
        assert_eq!(scores.samples, 30, "each image is counted once over both");
        assert_eq!(scores.correct, expected.evaluation.as_ref().unwrap().scores.correct);
    }
}

#[test]
fn ranges_that_processes_saw_are_averaged_by_their_samples() {
    let seen = [([-1.0, 4.0, 0.5], 0.75), ([-3.0, 8.0, 0.1], 0.25)];
    let averages = thread::scope(|scope| {
        let run = |(group, (range, weight)): (Threads, ([f32; 3], f64))| {
            scope.spawn(move || {
                let node = plain_graph().logits();
                let seen = Seen::Range(Tensor::from_data(range, &Device::flex()));
                let stats = reduce_stats(vec![BatchStats { node, seen }], weight, &group).unwrap();
                match &stats[0].seen {
                    Seen::Range(range) => range.clone().into_data().iter::<f32>().collect(),
                    Seen::Moments { .. } => Vec::new(),
                }
            })
        };
        let threads: Vec<_> = Threads::group(2).into_iter().zip(seen).map(run).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<Vec<f32>>>()
    });
    for average in averages {
        let error = ocelli_testkit::relative_error(&average, &[-1.5, 5.0, 0.4]);
        assert!(error < 1e-6, "{average:?}");
    }
}

#[test]
fn a_step_must_have_images_for_every_process() {
    let group = Threads::group(2).remove(0);
    let scene = Scene { group: &group, ..Scene::new(&["train.batch_size=3"]) };
    let folder = tempfile::tempdir().unwrap();
    let error = scene.run(folder.path(), &mut ()).unwrap_err().to_string();
    assert_eq!(error, "`train.batch_size` is 3, expected 4 or more: two images for each process");
}
