//! Strongly connected components (Tarjan 1972).

use std::collections::BTreeSet;

/// The largest sets of several nodes each of which leads to all of its set; `edges` are those of each node.
pub(super) fn circles(edges: &[BTreeSet<usize>]) -> Vec<BTreeSet<usize>> {
    let mut search = Search {
        edges,
        seen: vec![None; edges.len()],
        lowest: vec![0; edges.len()],
        open: Vec::new(),
        count: 0,
        circles: Vec::new(),
    };
    for node in 0..edges.len() {
        if search.seen[node].is_none() {
            search.visit(node);
        }
    }
    search.circles
}

struct Search<'a> {
    edges: &'a [BTreeSet<usize>],
    /// When each node was met.
    seen: Vec<Option<usize>>,
    /// The earliest open node that each leads to.
    lowest: Vec<usize>,
    /// Nodes whose circle is not known yet.
    open: Vec<usize>,
    count: usize,
    circles: Vec<BTreeSet<usize>>,
}

impl Search<'_> {
    fn visit(&mut self, node: usize) {
        let time = self.count;
        self.count += 1;
        self.seen[node] = Some(time);
        self.lowest[node] = time;
        self.open.push(node);
        for &next in &self.edges[node] {
            match self.seen[next] {
                None => {
                    self.visit(next);
                    self.lowest[node] = self.lowest[node].min(self.lowest[next]);
                }
                Some(seen) if self.open.contains(&next) => {
                    self.lowest[node] = self.lowest[node].min(seen);
                }
                Some(_) => {}
            }
        }
        if self.lowest[node] == time {
            let first = self.open.iter().position(|open| *open == node).unwrap_or(0);
            let circle: BTreeSet<usize> = self.open.drain(first..).collect();
            if circle.len() > 1 {
                self.circles.push(circle);
            }
        }
    }
}
