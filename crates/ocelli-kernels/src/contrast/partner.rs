//! Which rows belong together.

/// Which key belongs to each query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Partner {
    /// Two views stand side by side: the partner of row i is row `i ^ 1`, and no row is compared with
    /// itself.
    Neighbour,
    /// Two lists stand in one order: the partner of query i is key i.
    SameRow,
}

impl Partner {
    pub(super) fn key(self, query: usize) -> usize {
        match self {
            Self::Neighbour => query ^ 1,
            Self::SameRow => query,
        }
    }

    pub(super) fn excluded(self, query: usize) -> Option<usize> {
        (self == Self::Neighbour).then_some(query)
    }
}

/// Where in a tile the partner of a query stands, and what is not to be compared with it.
#[derive(Clone, Copy)]
pub(super) struct Columns {
    pub(super) partner: Option<usize>,
    pub(super) excluded: Option<usize>,
}

impl Columns {
    pub(super) fn new(partner: Partner, query: usize, first: usize, count: usize) -> Self {
        let at = |key: usize| key.checked_sub(first).filter(|column| *column < count);
        Self { partner: at(partner.key(query)), excluded: partner.excluded(query).and_then(at) }
    }
}
