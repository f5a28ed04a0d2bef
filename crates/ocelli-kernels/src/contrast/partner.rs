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
pub(super) struct Columns<'a> {
    pub(super) partner: Option<usize>,
    excluded: Option<usize>,
    /// The query's group and those of the tile's keys.
    groups: Option<(u32, &'a [u32])>,
}

impl<'a> Columns<'a> {
    /// Those of `query` among `count` keys from `first` on. `groups` are the queries' and the keys', from the
    /// first of all on, or empty.
    pub(super) fn new(
        partner: Partner,
        query: usize,
        [first, count]: [usize; 2],
        groups: [&'a [u32]; 2],
    ) -> Self {
        let at = |key: usize| key.checked_sub(first).filter(|column| *column < count);
        let own = groups[0].get(query).copied();
        Self {
            partner: at(partner.key(query)),
            excluded: partner.excluded(query).and_then(at),
            groups: own.zip(groups[1].get(first..first + count)),
        }
    }

    /// Gives the elements of what is not compared this value.
    #[inline(always)]
    pub(super) fn fill_excluded(self, row: &mut [f32], value: f32) {
        if let Some((own, groups)) = self.groups {
            for (column, (element, group)) in row.iter_mut().zip(groups).enumerate() {
                if *group == own && self.partner != Some(column) {
                    *element = value;
                }
            }
        }
        if let Some(excluded) = self.excluded {
            row[excluded] = value;
        }
    }
}
