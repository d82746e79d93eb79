//! When the values of a graph are made and read, in units.

use super::fuse::{Base, Place, Unit};
use super::graph::Graph;

/// What is made and read when.
pub(super) struct Lifetimes {
    /// The unit that computes a node.
    pub maker: Vec<usize>,
    /// The last unit that reads a node; the number of units where an output does.
    last_use: Vec<usize>,
    /// The same of every input.
    last_use_of_input: Vec<usize>,
    /// Whether a node is read outside of its unit.
    pub kept: Vec<bool>,
}

impl Lifetimes {
    pub fn new(graph: &Graph, places: &[Place], units: &[Unit], inputs: usize) -> Self {
        let n = graph.nodes.len();
        let (maker, last_use, kept) = (vec![usize::MAX; n], vec![0; n], vec![false; n]);
        let mut lifetimes = Self { maker, last_use, last_use_of_input: vec![0; inputs], kept };
        for (u, unit) in units.iter().enumerate() {
            unit.nodes.iter().for_each(|&i| lifetimes.maker[i] = u);
            unit.nodes.iter().flat_map(|&i| &graph.nodes[i].operands).for_each(|&x| lifetimes.read(&places[x].base, u));
        }
        graph.outputs.iter().for_each(|&i| lifetimes.read(&places[i].base, units.len()));
        lifetimes
    }

    fn read(&mut self, base: &Base, at: usize) {
        match *base {
            Base::Node(i) => {
                self.last_use[i] = self.last_use[i].max(at);
                self.kept[i] |= self.maker[i] != at;
            }
            Base::Input(k) => self.last_use_of_input[k] = self.last_use_of_input[k].max(at),
            Base::Constant(_) => {}
        }
    }

    /// The last unit that reads it, if any, or else its own or an earlier one.
    pub fn last_use(&self, base: &Base) -> usize {
        match *base {
            Base::Node(i) => self.last_use[i],
            Base::Input(k) => self.last_use_of_input[k],
            Base::Constant(_) => usize::MAX,
        }
    }
}
