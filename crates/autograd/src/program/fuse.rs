//! Which equations run together: elementwise ones of one size become a group, which passes over
//! memory once, a tile at a time.
//!
//! Units run in order. A node joins a group only where everything it reads is in the group at the same
//! place, or made by an earlier unit; so the order of units is always one in which operands come first.

use wengert_tensor::Layout;

use super::graph::Graph;
use crate::op::Op;

/// What a node's elements are read from.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Base {
    /// An input of the program.
    Input(usize),
    /// The node that a unit computes.
    Node(usize),
    /// A node that is one number repeated.
    Constant(usize),
}

/// A node's elements, as a view of a base.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub base: Base,
    pub layout: Layout,
}

impl Place {
    /// Whether the view is of all elements of the base, in their order.
    pub fn is_whole(&self) -> bool {
        self.layout.offset() == 0 && self.layout.is_contiguous()
    }
}

/// Nodes that run together.
#[derive(Debug)]
pub(super) struct Unit {
    /// In order; more than one only where all are elementwise.
    pub nodes: Vec<usize>,
    pub elementwise: bool,
}

/// Groups hold no more nodes than this, which bounds the tiles that they need at a time.
const LIMIT: usize = 64;

/// How far back a node looks for a group to join: a bound on the work, not on what is right.
const WINDOW: usize = 32;

/// Where every node's elements are, and the units that compute those that no view of others expresses.
pub(super) fn units(graph: &Graph) -> (Vec<Place>, Vec<Unit>) {
    let mut places: Vec<Place> = Vec::with_capacity(graph.nodes.len());
    let mut units: Vec<Unit> = Vec::new();
    // The unit that computes a node.
    let mut maker: Vec<usize> = vec![0; graph.nodes.len()];
    let mut inputs = 0;
    for (i, node) in graph.nodes.iter().enumerate() {
        let contiguous = || Layout::contiguous(node.ty.shape.clone());
        let alias = node.operands.first().and_then(|&x| {
            let place: &Place = &places[x];
            Some(Place { base: place.base.clone(), layout: node.op.rule().alias(&place.layout)? })
        });
        let place = match (&node.op, alias) {
            (Op::Input(_), _) => {
                inputs += 1;
                Place { base: Base::Input(inputs - 1), layout: contiguous() }
            }
            (Op::Full(_), _) => {
                let scalar = Layout::contiguous(().into());
                let layout = scalar.broadcast(&node.ty.shape).unwrap_or_else(contiguous);
                Place { base: Base::Constant(i), layout }
            }
            (_, Some(alias)) => alias,
            _ => Place { base: Base::Node(i), layout: contiguous() },
        };
        if place.base == Base::Node(i) {
            maker[i] = assign(graph, i, &places, &maker, &mut units);
        }
        places.push(place);
    }
    (places, units)
}

/// Puts node `i` in a unit, and returns which.
fn assign(graph: &Graph, i: usize, places: &[Place], maker: &[usize], units: &mut Vec<Unit>) -> usize {
    let node = &graph.nodes[i];
    let elementwise = node.op.rule().is_elementwise() && node.ty.shape.numel() > 0;
    let size = node.ty.shape.numel();
    if elementwise {
        let fits = |u: usize| {
            let unit = &units[u];
            let same =
                unit.elementwise && unit.nodes.len() < LIMIT && graph.nodes[unit.nodes[0]].ty.shape.numel() == size;
            same && node.operands.iter().all(|&x| match places[x].base {
                Base::Node(x_base) if maker[x_base] == u => places[x].is_whole(),
                Base::Node(x_base) => maker[x_base] < u,
                _ => true,
            })
        };
        let first = units.len().saturating_sub(WINDOW);
        if let Some(u) = (first..units.len()).rev().find(|&u| fits(u)) {
            units[u].nodes.push(i);
            return u;
        }
    }
    units.push(Unit { nodes: vec![i], elementwise });
    units.len() - 1
}
