//! Which forms of each value its readers need.

use super::chain::{Chain, Chains};
use crate::op::Op;
use ocelli_kernels::int8::ByteGrid;

/// The forms of a value that are needed.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Demand {
    /// Plain values.
    pub(super) values: bool,
    /// Codes, with each of these levels.
    pub(super) codes: Vec<ByteGrid>,
}

impl Demand {
    fn add(&mut self, grid: ByteGrid) {
        if !self.codes.contains(&grid) {
            self.codes.push(grid);
        }
    }

    /// The levels, if codes of one kind are all that is needed.
    pub(super) fn codes_alone(&self) -> Option<ByteGrid> {
        match self.codes[..] {
            [grid] if !self.values => Some(grid),
            _ => None,
        }
    }
}

/// What is known of a graph before it is lowered.
pub(super) struct Analysis {
    /// For each operation that begins one.
    pub(super) chains: Vec<Option<Chain>>,
    /// For each operation.
    pub(super) demands: Vec<Demand>,
    /// For each operation that begins a chain and reads codes, the levels of each input.
    pub(super) read: Vec<Option<Vec<ByteGrid>>>,
}

impl Analysis {
    /// `wanted`: the operations whose values are asked for.
    pub(super) fn new(chains: &Chains<'_>, wanted: &[usize]) -> Self {
        let nodes = chains.graph.nodes();
        let mut begun: Vec<Option<Chain>> = vec![None; nodes.len()];
        let mut is_covered = vec![false; nodes.len()];
        for index in 0..nodes.len() {
            let runs = chains.computed[index] && chains.wiring.source(index) == index;
            if runs && !is_covered[index] {
                let chain = chains.new_chain(index);
                // A rounding, a sum, and the activation after it.
                let mut covered = index;
                while covered != chain.last {
                    let Some(next) = chains.wiring.sole_reader(covered) else { break };
                    is_covered[next] = true;
                    covered = next;
                }
                begun[index] = Some(chain);
            }
        }
        let mut analysis = Self {
            chains: begun,
            demands: vec![Demand::default(); nodes.len()],
            read: vec![None; nodes.len()],
        };
        for index in wanted {
            analysis.demands[*index].values = true;
        }
        for index in (0..nodes.len()).rev() {
            if let Some(chain) = analysis.chains[index] {
                analysis.ask_inputs(chains, index, chain);
            }
        }
        analysis
    }

    /// Asks the inputs of a chain for what it reads.
    fn ask_inputs(&mut self, chains: &Chains<'_>, index: usize, chain: Chain) {
        let read = self.levels_read(chains, index, chain);
        if let Some(residual) = chain.residual {
            match chains.levels(residual).filter(|_| read.is_some()) {
                Some(grid) => self.demands[residual].add(grid),
                None => self.demands[residual].values = true,
            }
        }
        let sources = chains.sources(index);
        match &read {
            Some(grids) => {
                let asked = sources.into_iter().zip(grids);
                asked.for_each(|(source, grid)| self.demands[source].add(*grid));
            }
            None => sources.into_iter().for_each(|source| self.demands[source].values = true),
        }
        self.read[index] = read;
    }

    /// The levels of each input of an operation that reads codes.
    fn levels_read(
        &self,
        chains: &Chains<'_>,
        index: usize,
        chain: Chain,
    ) -> Option<Vec<ByteGrid>> {
        if let Some(grid) = chains.integer_input(index) {
            return Some(vec![grid]);
        }
        let sources = chains.sources(index);
        let levels = || sources.iter().map(|source| chains.levels(*source)).collect();
        let written = self.demands[chain.last].codes_alone();
        match &chains.graph.nodes()[index].op {
            Op::Quantize(quantize) => Some(vec![chains.grid(quantize)?]),
            // Rounding before them or after them is the same.
            Op::MaxPool(_) | Op::PadShortcut(_) | Op::Flatten(_) => Some(vec![written?]),
            Op::Concat(_) => {
                let grid = written?;
                let of = |source: &usize| chains.levels(*source).unwrap_or(grid);
                Some(sources.iter().map(of).collect())
            }
            Op::GlobalAvgPool(_) | Op::AvgPool(_) => levels(),
            Op::Add(_) if written.is_some() && chain.range().is_some() => levels(),
            Op::Scale(_) | Op::Activation(_) if written.is_some() => levels(),
            _ => None,
        }
    }
}
