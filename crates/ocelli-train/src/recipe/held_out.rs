//! Images to evaluate on, where a dataset and its recipe have none.

use super::Recipe;

/// The share of each class that is held out then.
const SHARE: f64 = 0.1;

impl Recipe {
    /// Holds a tenth of each class out if the dataset is one part and nothing else is said of what is
    /// evaluated; says whether it did. A dataset that cannot be found is left to whoever opens it.
    pub fn hold_out_where_needed(&mut self) -> bool {
        let data = &mut self.data;
        let is_said = data.hold_out.is_some() || data.test.is_some();
        let is_needed = !is_said && ocelli_data::is_one_part(&data.source).unwrap_or(false);
        if is_needed {
            data.hold_out = Some(SHARE);
        }
        is_needed
    }
}
