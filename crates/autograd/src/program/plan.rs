//! From a graph to a program: the steps that compute its units, in order.

use smallvec::SmallVec;
use wengert_tensor::{Result, Tensor};

use super::fuse::{Place, units};
use super::graph::{Graph, Node};
use super::group::Group;
use super::memory::Plan;
use super::{Answer, Program, Single, Step};
use crate::op::Op;

impl Program {
    /// The program of a graph.
    ///
    /// # Errors
    /// Where its plan cannot be allocated.
    pub(super) fn new(graph: &Graph) -> Result<Self> {
        let (places, units) = units(graph);
        let mut plan = Plan::new(graph, &places, &units);
        let mut steps = Vec::with_capacity(units.len());
        for (u, unit) in units.iter().enumerate() {
            plan.begin(u, unit);
            let step = match &unit.domain {
                Some(domain) => Step::Group(Group::new(&mut plan, unit, domain)),
                None => Step::Single(Single::new(&mut plan, unit.nodes[0])),
            };
            plan.end(u, unit);
            steps.push(step);
        }
        let answers = graph.outputs.iter().map(|&i| {
            let Place { base, layout } = &places[i];
            Answer { source: plan.source(base), layout: layout.clone() }
        });
        let answers = answers.collect();
        let constants = plan.constants.iter().map(|&i| match &graph.nodes[i].op {
            Op::Full(full) => Tensor::full((), full.value),
            _ => Tensor::full((), 0.0),
        });
        Ok(Self {
            constants: constants.collect::<Result<_>>()?,
            slots: plan.slots.iter().map(|slot| slot.allocate()).collect::<Result<_>>()?,
            specs: plan.slots,
            steps,
            answers,
        })
    }
}

impl Single {
    /// The step of node `i` alone.
    fn new(plan: &mut Plan, i: usize) -> Self {
        let node: &Node = &plan.graph.nodes[i];
        let places: SmallVec<[&Place; 4]> = node.operands.iter().map(|&x| &plan.places[x]).collect();
        let dtypes = node.operands.iter().map(|&x| plan.graph.nodes[x].ty.dtype);
        let laid: SmallVec<[_; 4]> = dtypes.zip(&places).map(|(dtype, place)| (dtype, &place.layout)).collect();
        let kernel = node.op.bind(&laid, &node.ty);
        let operands = places.iter().map(|place| plan.source(&place.base)).collect();
        let out = plan.slot_of[i].unwrap_or(usize::MAX);
        Self { op: node.op.clone(), kernel, operands, out, ty: node.ty.clone(), at: node.at }
    }
}
