//! [`Cost`]: what a step of a program moves and computes, counted when it is planned.
//!
//! Counts are of the operations as written: they depend on types and layouts, never on a kernel's tricks or on values.

use std::fmt;
use std::iter::Sum;
use std::panic::Location;

use rustc_hash::{FxHashMap, FxHashSet};
use smallvec::SmallVec;
use wengert_tensor::Layout;

use super::fuse::Base;
use super::memory::Plan;
use crate::op::Op;
use crate::ty::Type;

/// The work of a step, or of a whole run: bytes that are read and written outside of it, and operations on numbers.
///
/// A view that is read several times in a step counts once, and what is repeated along an axis counts as often as it is
/// in memory. A product of matrices counts a multiplication and an addition for every pair of factors, an elementwise
/// operation one an element, a copy none (see [`Rule::flops`](crate::op::Rule::flops)). Loops that end by a test count
/// no operations, as nobody knows how many there will be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Cost {
    /// Bytes that are read.
    pub read: u64,
    /// Bytes that are written.
    pub written: u64,
    /// Operations on numbers.
    pub flops: u64,
}

impl Cost {
    /// Bytes that are read or written.
    pub fn bytes(&self) -> u64 {
        self.read.saturating_add(self.written)
    }
}

impl Sum for Cost {
    fn sum<I: Iterator<Item = Self>>(costs: I) -> Self {
        costs.fold(Self::default(), |a, b| Self {
            read: a.read.saturating_add(b.read),
            written: a.written.saturating_add(b.written),
            flops: a.flops.saturating_add(b.flops),
        })
    }
}

impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [read, written, flops] = [self.read, self.written, self.flops].map(Short);
        write!(f, "{read}B read, {written}B written, {flops}FLOP")
    }
}

/// A number in three digits or so, with the letter of its thousands.
struct Short(u64);

impl fmt::Display for Short {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (mut x, mut letters) = (self.0 as f64, ["k", "M", "G", "T", "P", "E"].iter());
        let mut letter = "";
        // What would be rounded to a thousand is one of the next letter.
        while x >= 999.5
            && let Some(next) = letters.next()
        {
            (x, letter) = (x / 1000.0, *next);
        }
        let digits = if letter.is_empty() || x >= 99.95 { 0 } else { usize::from(x < 9.995) + 1 };
        write!(f, "{x:.digits$} {letter}")
    }
}

/// What is shown of a step.
#[derive(Debug)]
pub(super) struct Note {
    pub cost: Cost,
    /// What leaves the step, and the slots where it is.
    pub results: SmallVec<[(Type, usize); 1]>,
    /// The lines that its operations come from, in order, the first of them where it begins.
    pub lines: SmallVec<[&'static Location<'static>; 1]>,
}

impl Note {
    /// The note of nodes that run together.
    pub fn new(plan: &Plan, nodes: &[usize]) -> Self {
        let mut note = Self { cost: Cost::default(), results: SmallVec::new(), lines: SmallVec::new() };
        let inside: FxHashSet<usize> = nodes.iter().copied().collect();
        let mut seen: FxHashMap<Base, SmallVec<[&Layout; 2]>> = FxHashMap::default();
        for &i in nodes {
            let node = &plan.graph.nodes[i];
            let types: SmallVec<[&Type; 4]> = node.operands.iter().map(|&x| &plan.graph.nodes[x].ty).collect();
            note.cost.flops = note.cost.flops.saturating_add(node.op.rule().flops(&types, &node.ty));
            for (k, (&x, ty)) in node.operands.iter().zip(&types).enumerate() {
                let place = &plan.places[x];
                let inside = matches!(place.base, Base::Node(j) if inside.contains(&j));
                // A constant is a number.
                if inside || matches!(place.base, Base::Constant(_)) {
                    continue;
                }
                let seen = seen.entry(place.base).or_default();
                if seen.contains(&&place.layout) {
                    continue;
                }
                seen.push(&place.layout);
                let all = distinct(&place.layout);
                // Of what is chosen from, no more is read than is chosen.
                let read = match node.op {
                    Op::Gather(_) | Op::IndexSelect(_) if k == 0 => all.min(node.ty.shape.numel()),
                    _ => all,
                };
                note.cost.read += (read * ty.dtype.size()) as u64;
            }
            if let Some(slot) = plan.slot_of[i] {
                note.write(&node.ty, slot);
            }
            if !note.lines.contains(&node.at) {
                note.lines.push(node.at);
            }
        }
        note
    }

    /// The note of a copy of node `i`, seen through a layout, to a slot.
    pub fn copy(plan: &Plan, i: usize, layout: &Layout, slot: usize) -> Self {
        let node = &plan.graph.nodes[i];
        let read = (distinct(layout) * node.ty.dtype.size()) as u64;
        let cost = Cost { read, ..Cost::default() };
        let mut note = Self { cost, results: SmallVec::new(), lines: [node.at].into_iter().collect() };
        note.write(&node.ty, slot);
        note
    }

    fn write(&mut self, ty: &Type, slot: usize) {
        self.cost.written += (ty.shape.numel() * ty.dtype.size()) as u64;
        self.results.push((ty.clone(), slot));
    }
}

/// How many elements of memory a layout leads to, where its axes do not overlap.
fn distinct(layout: &Layout) -> usize {
    match layout.numel() {
        0 => 0,
        _ => layout
            .shape()
            .iter()
            .zip(layout.strides())
            .filter(|(_, stride)| **stride != 0)
            .map(|(size, _)| size)
            .product(),
    }
}

/// What follows a step's name in a plan.
impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (k, (ty, slot)) in self.results.iter().enumerate() {
            let before = if k == 0 { " -> " } else { ", " };
            write!(f, "{before}{} in slot {slot}", ty.shape)?;
        }
        write!(f, "; {}", self.cost)?;
        match &self.lines[..] {
            [] => Ok(()),
            [at] => write!(f, "  # {at}"),
            [at, others @ ..] => write!(f, "  # {at} and {} more", others.len()),
        }
    }
}
