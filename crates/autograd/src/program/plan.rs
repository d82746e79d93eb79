//! From a graph to a program: the steps that compute its units, in order.

use smallvec::SmallVec;
use wengert_tensor::{DType, Layout, Result, Storage, Tensor};

use super::cost::Note;
use super::fuse::{Place, units};
use super::graph::{Graph, Node};
use super::group::Group;
use super::memory::Plan;
use super::tiny::Tiny;
use super::{Answer, Copy, Given, Program, Single, Source, Step};
use crate::op::Op;
use crate::ty::Type;

impl Program {
    /// The program of a graph, all of whose inputs are arguments.
    ///
    /// # Errors
    /// Where its memory cannot be allocated.
    pub(super) fn new(graph: &Graph) -> Result<Self> {
        let inputs = graph.nodes.iter().filter(|node| matches!(node.op, Op::Input(_))).count();
        Self::with(graph, (0..inputs).map(Given::Argument).collect(), &[])
    }

    /// The program of a graph, of which the last outputs are what states of the given types become.
    ///
    /// # Errors
    /// Where its memory cannot be allocated.
    pub(super) fn with(graph: &Graph, given: Vec<Given>, states: &[Type]) -> Result<Self> {
        let (places, units) = units(graph);
        let mut plan = Plan::new(graph, &places, &units, &given, states);
        let mut reshapes = std::mem::take(&mut plan.reshapes).into_iter().peekable();
        let mut steps = Vec::with_capacity(units.len());
        for (u, unit) in units.iter().enumerate() {
            while let Some((_, reshape)) = reshapes.next_if(|(at, _)| *at <= u) {
                steps.push(Step::Reshape(reshape));
            }
            steps.push(match (&unit.domain, unit.tiny) {
                (_, Some(dtype)) => Step::Tiny(Tiny::new(&mut plan, unit, dtype).into()),
                (Some(domain), None) => Step::Group(Group::new(&mut plan, unit, domain).into()),
                (None, None) => Step::Single(Single::new(&mut plan, unit.nodes[0]).into()),
            });
        }
        while let Some((_, reshape)) = reshapes.next_if(|(at, _)| *at <= units.len()) {
            steps.push(Step::Reshape(reshape));
        }
        for (j, out) in plan.copies.clone() {
            let Place { base, layout } = places[graph.outputs[j]].clone();
            let note = Note::copy(&plan, graph.outputs[j], &layout, out);
            steps.push(Step::Copy(Copy { source: plan.source(&base), layout, out, note }));
        }
        steps.extend(reshapes.map(|(_, reshape)| Step::Reshape(reshape)));
        let answers = answers(&mut plan, graph.outputs.len() - states.len());
        let constants = plan.constants.iter().map(|&(i, len)| match &graph.nodes[i].op {
            Op::Full(full) => Tensor::full([len], full.value),
            _ => Tensor::full([len], 0.0),
        });
        let constants = constants.collect::<Result<_>>()?;
        let Plan { slots: specs, renewals, mut footprint, .. } = plan;
        for step in &steps {
            if let Step::Single(single) = step {
                let bytes = single.op.rule().workspace();
                footprint.planned = footprint.planned.saturating_add(bytes);
                footprint.live = footprint.live.max(bytes);
            }
        }
        let slots = specs.iter().map(|_| Storage::default()).collect();
        let nothing = Tensor::zeros([0], DType::Bool)?;
        let mut program =
            Self { given, constants, specs, slots, whole: false, steps, answers, renewals, footprint, nothing };
        program.make_whole()?;
        Ok(program)
    }
}

/// The first outputs of a graph, as answers.
fn answers(plan: &mut Plan, count: usize) -> Vec<Answer> {
    let mut owners: Vec<Option<usize>> = vec![None; plan.slots.len()];
    let answer = |j: usize| {
        let i = plan.graph.outputs[j];
        let copied = plan.copies.iter().find(|(output, _)| *output == j).map(|(_, slot)| *slot);
        let (source, layout) = match copied {
            Some(slot) => (Source::Slot(slot), Layout::contiguous(plan.graph.nodes[i].ty.shape.clone())),
            None => {
                let Place { base, layout } = plan.places[i].clone();
                (plan.source(&base), layout)
            }
        };
        let owner = match source {
            Source::Slot(slot) => *owners[slot].get_or_insert(j),
            _ => j,
        };
        Answer { source, layout, owner }
    };
    (0..count).map(answer).collect()
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
        let note = Note::new(plan, &[i]);
        Self { op: node.op.clone(), kernel, operands, out, ty: node.ty.clone(), at: node.at, note }
    }
}
