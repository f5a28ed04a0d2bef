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
                // A sum, and the activation after it.
                let mut covered = index;
                while covered != chain.last {
                    let Some(next) = chains.wiring.sole_reader(covered) else { break };
                    is_covered[next] = true;
                    covered = next;
                }
                begun[index] = Some(chain);
            }
        }
        let mut analysis = Self { chains: begun, demands: vec![Demand::default(); nodes.len()] };
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
        if let Some(residual) = chain.residual {
            self.demands[residual].values = true;
        }
        let node = &chains.graph.nodes()[index];
        let sources = node.inputs.iter().map(|id| chains.wiring.source(id.index()));
        if let Some((input, grid)) = chains.integer_input(index) {
            return self.demands[input].add(grid);
        }
        let passed_on = match &node.op {
            Op::Quantize(quantize) => chains.grid(quantize),
            Op::MaxPool(_) | Op::Concat(_) => self.demands[chain.last].codes_alone(),
            _ => None,
        };
        for source in sources {
            match passed_on {
                Some(grid) => self.demands[source].add(grid),
                None => self.demands[source].values = true,
            }
        }
    }
}
