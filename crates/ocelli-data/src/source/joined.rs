//! Two sources as one.

use super::{NotImages, Record, SampleKey, Source, check_same_classes, in_bounds};
use crate::Result;
use std::sync::Arc;

/// The samples of one source, then those of another with the same classes.
#[derive(Clone)]
pub struct Joined {
    first: Arc<dyn Source>,
    second: Arc<dyn Source>,
}

impl Joined {
    /// Puts `second` behind `first`.
    ///
    /// # Errors
    /// [`Error::DifferentClasses`](crate::Error::DifferentClasses) when their classes differ.
    pub fn new(first: Arc<dyn Source>, second: Arc<dyn Source>) -> Result<Self> {
        check_same_classes(&first, &second)?;
        Ok(Self { first, second })
    }

    /// The source that holds the sample at `index`, and where.
    fn part(&self, index: u64) -> Result<(&dyn Source, u64)> {
        in_bounds(index, self.len())?;
        match index.checked_sub(self.first.len()) {
            None => Ok((&*self.first, index)),
            Some(index) => Ok((&*self.second, index)),
        }
    }
}

impl Source for Joined {
    fn len(&self) -> u64 {
        self.first.len() + self.second.len()
    }

    fn classes(&self) -> &[String] {
        self.first.classes()
    }

    fn read(&self, index: u64) -> Result<Record> {
        let (source, index) = self.part(index)?;
        source.read(index)
    }

    fn label(&self, index: u64) -> Result<Option<u32>> {
        let (source, index) = self.part(index)?;
        source.label(index)
    }

    fn name(&self, index: u64) -> Result<String> {
        let (source, index) = self.part(index)?;
        source.name(index)
    }

    fn others(&self, index: u64) -> Result<Vec<u32>> {
        let (source, index) = self.part(index)?;
        source.others(index)
    }

    fn key(&self, index: u64) -> Result<SampleKey> {
        let (source, index) = self.part(index)?;
        source.key(index)
    }

    fn not_images(&self) -> NotImages {
        self.first.not_images().and(self.second.not_images())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Error, OpenOptions, Split, Subset, open};

    fn some(indices: &[u64]) -> Arc<dyn Source> {
        let whole = open("builtin:fashion-mnist", &OpenOptions::new(Split::Test)).unwrap();
        Arc::new(Subset::new(whole, indices.to_vec()).unwrap())
    }

    #[test]
    fn the_second_comes_after_the_first() {
        let (one, two) = (some(&[3, 4]), some(&[7]));
        let joined = Joined::new(one.clone(), two.clone()).unwrap();
        assert_eq!((joined.len(), joined.classes()), (3, one.classes()));
        assert_eq!(joined.name(1).unwrap(), one.name(1).unwrap());
        assert_eq!(joined.name(2).unwrap(), two.name(0).unwrap());
        assert_eq!(joined.label(2).unwrap(), two.label(0).unwrap());
        assert_eq!(joined.read(2).unwrap().name, two.name(0).unwrap());
        assert!(matches!(joined.read(3), Err(Error::OutOfBounds { index: 3, len: 3 })));
    }

    /// No samples, of one class.
    struct Empty(Vec<String>);

    impl Source for Empty {
        fn len(&self) -> u64 {
            0
        }

        fn classes(&self) -> &[String] {
            &self.0
        }

        fn read(&self, index: u64) -> Result<Record> {
            Err(Error::OutOfBounds { index, len: 0 })
        }
    }

    #[test]
    fn other_classes_are_refused() {
        let other = Arc::new(Empty(vec!["T-shirt/top".to_owned()]));
        let error = Joined::new(some(&[0]), other).err().unwrap();
        assert!(matches!(error, Error::DifferentClasses { label: 1, .. }), "{error}");
    }
}
