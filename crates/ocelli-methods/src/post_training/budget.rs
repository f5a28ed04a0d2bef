//! Bits for each layer, so that a file is small and the loss too.

use super::{PostTraining, PostTrainingError, Sensitivity};
use crate::Result;
use ocelli_nn::weights::{PackedLayout, PackedSize};

/// What each layer costs at each width: bytes, and the loss that is added.
struct Costs {
    bytes: Vec<Vec<u64>>,
    loss: Vec<Vec<f64>>,
}

/// A layer gets another width.
#[derive(Clone, Copy)]
struct Change {
    layer: usize,
    /// The new width, by its position.
    width: usize,
    bytes: u64,
    /// Loss per byte.
    price: f64,
}

impl PostTraining {
    /// The bits of each layer with which the packed file has at most `budget` bytes. `sensitivity` has the
    /// increases at all [`widths`](PostTraining::widths); `size` tells the size of a file of some layout.
    ///
    /// # Errors
    /// When no choice is small enough, and those of `size`.
    pub fn within(
        &self,
        budget: u64,
        sensitivity: &Sensitivity,
        size: impl Fn(&PackedLayout) -> Result<PackedSize>,
    ) -> Result<Vec<u32>> {
        let layers = self.layers().len();
        let all = |width: &u32| size(&self.layout(&vec![*width; layers]));
        let sizes = self.widths().iter().map(all).collect::<Result<Vec<_>>>()?;
        // Names and digits of a file with several widths take no more than those of the longest with one.
        let header = sizes.iter().map(|size| size.header).max().unwrap_or(0);
        let costs = self.costs(sensitivity);
        let quantized = |size: &PackedSize| size.payload;
        let of_all: u64 = costs.bytes.iter().filter_map(|bytes| bytes.last()).sum();
        let fixed = sizes.last().map_or(0, quantized) - of_all + header;
        let room = budget.saturating_sub(fixed);
        let Some(choice) = choose(&costs, room) else {
            let smallest = sizes.iter().map(|size| size.file()).min().unwrap_or(0);
            return Err(PostTrainingError::Budget { budget, smallest }.into());
        };
        Ok(choice.into_iter().map(|width| self.widths()[width]).collect())
    }

    fn costs(&self, sensitivity: &Sensitivity) -> Costs {
        let bytes = |layer| self.widths().iter().map(|bits| self.bytes(layer, *bits)).collect();
        let loss = sensitivity.increases.iter().map(|increases| {
            // From the most bits down, so that fewer never count as better.
            let mut most = 0.0_f64;
            let mut loss: Vec<f64> = increases
                .iter()
                .rev()
                .map(|increase| {
                    most = most.max(if increase.is_nan() { f64::INFINITY } else { *increase });
                    most
                })
                .collect();
            loss.reverse();
            loss
        });
        Costs { bytes: self.layers().iter().map(bytes).collect(), loss: loss.collect() }
    }
}

/// The position of each layer's width with at most `room` bytes in all; `None` if there is no such choice.
fn choose(costs: &Costs, room: u64) -> Option<Vec<usize>> {
    let mut choice: Vec<usize> = costs.bytes.iter().map(|widths| widths.len() - 1).collect();
    let at = |choice: &[usize]| -> u64 {
        choice.iter().zip(&costs.bytes).map(|(width, bytes)| bytes[*width]).sum()
    };
    let mut bytes = at(&choice);
    while bytes > room {
        let cheapest =
            changes(costs, &choice, u64::checked_sub).min_by(|a, b| a.price.total_cmp(&b.price))?;
        choice[cheapest.layer] = cheapest.width;
        bytes -= cheapest.bytes;
    }
    let more = |old: u64, new: u64| new.checked_sub(old);
    loop {
        let affordable = changes(costs, &choice, more)
            .filter(|change| change.bytes <= room - bytes && change.price < 0.0);
        let Some(best) = affordable.min_by(|a, b| a.price.total_cmp(&b.price)) else { break };
        choice[best.layer] = best.width;
        bytes += best.bytes;
    }
    Some(choice)
}

/// All changes of one layer for which `difference` of the bytes before and after is above zero. Of equal
/// prices the first is that of the first layer and of the fewest bits.
fn changes<'a>(
    costs: &'a Costs,
    choice: &'a [usize],
    difference: impl Fn(u64, u64) -> Option<u64> + Copy + 'a,
) -> impl Iterator<Item = Change> + 'a {
    choice.iter().enumerate().flat_map(move |(layer, old)| {
        let (bytes, loss) = (&costs.bytes[layer], &costs.loss[layer]);
        (0..bytes.len()).filter_map(move |width| {
            let bytes = difference(bytes[*old], bytes[width]).filter(|bytes| *bytes > 0)?;
            let price = (loss[width] - loss[*old]) / bytes as f64;
            // From one infinite loss to another nothing is lost.
            let price = if price.is_nan() { 0.0 } else { price };
            Some(Change { layer, width, bytes, price })
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn loss(costs: &Costs, choice: &[usize]) -> f64 {
        choice.iter().zip(&costs.loss).map(|(width, loss)| loss[*width]).sum()
    }

    #[test]
    fn bytes_are_saved_where_they_cost_least() {
        let bytes = vec![vec![10, 20, 80]; 3];
        let costs = Costs {
            bytes,
            loss: vec![vec![9.0, 0.1, 0.0], vec![0.01, 0.005, 0.0], vec![5.0, 4.0, 0.0]],
        };
        assert_eq!(choose(&costs, 240), Some(vec![2, 2, 2]), "all fit");
        assert_eq!(choose(&costs, 239), Some(vec![2, 1, 2]));
        assert_eq!(choose(&costs, 120), Some(vec![1, 1, 2]));
        assert_eq!(choose(&costs, 110), Some(vec![1, 0, 2]));
        assert_eq!(choose(&costs, 30), Some(vec![0, 0, 0]));
        assert_eq!(choose(&costs, 29), None);
    }

    #[test]
    fn a_loss_that_is_infinite_at_any_width_costs_nothing_more() {
        let infinite = vec![f64::INFINITY, f64::INFINITY, 0.0];
        let costs =
            Costs { bytes: vec![vec![10, 20, 80]; 2], loss: vec![infinite, vec![0.3, 0.2, 0.0]] };
        assert_eq!(choose(&costs, 160), Some(vec![2, 2]));
        assert_eq!(choose(&costs, 90), Some(vec![2, 0]), "the infinite one is kept out");
        assert_eq!(choose(&costs, 30), Some(vec![0, 1]));
    }

    #[test]
    fn what_a_large_change_leaves_is_spent() {
        // One layer saves too much at once: the other can have its bits back.
        let bytes = vec![vec![10, 20], vec![0, 1000]];
        let costs = Costs { bytes, loss: vec![vec![0.001, 0.0], vec![8.0, 0.0]] };
        assert_eq!(choose(&costs, 500), Some(vec![1, 0]));
    }

    proptest! {
        #![proptest_config(ocelli_testkit::cases(128))]
        /// Against all choices there are: never too large, none only where there is none, and as good but
        /// for what a greedy choice can miss, the loss of the most sensitive layer.
        #[test]
        fn a_choice_fits_and_is_near_the_best(
            losses in prop::collection::vec(prop::collection::vec(0.0_f64..1.0, 2), 1..5),
            sizes in prop::collection::vec(1_u64..30, 4), share in 0.0_f64..1.2,
        ) {
            let loss_of = |low: &Vec<f64>| vec![low[0] + low[1], low[1], 0.0];
            let costs = Costs {
                loss: losses.iter().map(loss_of).collect(),
                bytes: sizes.iter().take(losses.len()).map(|n| vec![*n, 2 * n, 8 * n]).collect(),
            };
            let count = costs.loss.len();
            let bytes = |choice: &[usize]| -> u64 {
                choice.iter().zip(&costs.bytes).map(|(width, bytes)| bytes[*width]).sum()
            };
            let room = (bytes(&vec![2; count]) as f64 * share) as u64;
            let choices = (0..3_usize.pow(count as u32)).map(|code| {
                (0..count).map(|layer| code / 3_usize.pow(layer as u32) % 3).collect::<Vec<_>>()
            });
            let best = choices
                .filter(|choice| bytes(choice) <= room)
                .map(|choice| loss(&costs, &choice))
                .min_by(f64::total_cmp);
            let found = choose(&costs, room);
            prop_assert_eq!(found.is_some(), best.is_some());
            if let (Some(found), Some(best)) = (found, best) {
                prop_assert!(bytes(&found) <= room);
                let largest = costs.loss.iter().map(|loss| loss[0]).fold(0.0, f64::max);
                prop_assert!(loss(&costs, &found) <= best + largest + 1e-12);
            }
        }
    }
}
