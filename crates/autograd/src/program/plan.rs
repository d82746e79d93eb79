//! From a graph to a program: the steps that compute its units, in order.

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
        let operand = |x: &usize| {
            let Place { base, layout } = plan.places[*x].clone();
            (plan.source(&base), layout)
        };
        let operands = node.operands.iter().map(operand).collect();
        let out = plan.slot_of[i].unwrap_or(usize::MAX);
        Self { op: node.op.clone(), operands, out, shape: node.ty.shape.clone(), at: node.at }
    }
}
