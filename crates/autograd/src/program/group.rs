//! A group: elementwise operations that pass over memory once, a tile at a time.
//!
//! A tile goes through all operations of the group, in the L1 cache, before the next is touched. What only the group
//! reads never leaves its tile.

use std::fmt;
use std::panic::Location;

use smallvec::SmallVec;
use wengert_tensor::kernel::cursor::Walker;
use wengert_tensor::{Error, Layout, Result, View, ViewMut};

use super::Source;
use super::fuse::{Base, Place, Unit};
use super::memory::{Memory, Plan, TILE};
use crate::op::Op;

/// Elementwise operations on `numel` elements, a tile at a time.
#[derive(Debug)]
pub(super) struct Group {
    numel: usize,
    /// The layout of a whole tile, and of what is left after the last.
    full: Layout,
    rest: Layout,
    loads: Vec<Load>,
    ops: Vec<TileOp>,
}

/// Gathers an operand whose elements do not lie in the group's order.
#[derive(Debug)]
pub(super) struct Load {
    source: Source,
    walker: Walker,
    tile: usize,
    /// Whether every tile of it is the same.
    once: bool,
}

#[derive(Debug)]
pub(super) struct TileOp {
    op: Op,
    operands: SmallVec<[Operand; 3]>,
    out: Operand,
    at: &'static Location<'static>,
}

/// Elements of a source from `offset` on; those of the present tile where it `moves`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Operand {
    source: Source,
    offset: usize,
    moves: bool,
}

impl Group {
    /// The group of a unit, with tiles from the plan's memory.
    pub fn new(plan: &mut Plan, unit: &Unit) -> Self {
        let numel = plan.graph.nodes[unit.nodes[0]].ty.shape.numel();
        let tile = TILE.min(numel);
        let mut group = Group {
            numel,
            full: Layout::contiguous([tile].into()),
            rest: Layout::contiguous([numel % tile].into()),
            loads: Vec::new(),
            ops: Vec::new(),
        };
        // Tiles of this group: its slot and the position in the unit from which on each is free.
        let mut tiles: Vec<(usize, usize)> = Vec::new();
        let mut loaded: Vec<(Source, Layout, Operand)> = Vec::new();
        let mut inside: Vec<(usize, Operand)> = Vec::new();
        let last_inside = |i: usize| {
            let reads = |&j: &usize| plan.graph.nodes[j].operands.iter().any(|&x| plan.places[x].base == Base::Node(i));
            unit.nodes.iter().rposition(reads).unwrap_or(0)
        };
        let outs: Vec<usize> = unit.nodes.iter().filter_map(|&i| plan.slot_of[i]).collect();
        let ends: Vec<usize> = unit.nodes.iter().map(|&i| last_inside(i)).collect();
        for (k, &i) in unit.nodes.iter().enumerate() {
            let node = &plan.graph.nodes[i];
            let mut operands: SmallVec<[Operand; 3]> = SmallVec::new();
            for &x in &node.operands {
                let Place { base, layout } = plan.places[x].clone();
                if let Some((_, operand)) = inside.iter().find(|(j, _)| base == Base::Node(*j)) {
                    operands.push(*operand);
                    continue;
                }
                let source = plan.source(&base);
                let written_over = matches!(source, Source::Slot(slot) if outs.contains(&slot));
                if layout.is_contiguous() && !matches!(source, Source::Constant(_)) && !written_over {
                    operands.push(Operand { source, offset: layout.offset(), moves: true });
                } else if let Some((.., operand)) = loaded.iter().find(|(s, l, _)| *s == source && *l == layout) {
                    operands.push(*operand);
                } else {
                    // Loaded tiles stay for the whole group.
                    let slot = plan.tile(&mut tiles, plan.graph.nodes[x].ty.dtype, 0, usize::MAX);
                    let operand = Operand { source: Source::Slot(slot), offset: 0, moves: false };
                    let once = layout.strides().iter().all(|&stride| stride == 0);
                    group.loads.push(Load { source, walker: Walker::new(&layout), tile: slot, once });
                    loaded.push((source, layout, operand));
                    operands.push(operand);
                }
            }
            let out = match plan.slot_of[i] {
                Some(slot) => Operand { source: Source::Slot(slot), offset: 0, moves: true },
                None => {
                    let slot = plan.tile(&mut tiles, node.ty.dtype, k, ends[k]);
                    Operand { source: Source::Slot(slot), offset: 0, moves: false }
                }
            };
            inside.push((i, out));
            group.ops.push(TileOp { op: node.op.clone(), operands, out, at: node.at });
        }
        plan.free.extend(tiles.iter().map(|(slot, _)| *slot));
        group
    }

    /// Runs the group on all its elements.
    ///
    /// # Errors
    /// What a kernel refused, with the line of its equation.
    pub fn run(&self, memory: &mut Memory) -> Result<()> {
        let tile = self.full.numel();
        let mut walkers: SmallVec<[_; 8]> = self.loads.iter().map(|load| load.walker.clone()).collect();
        let mut start = 0;
        while start < self.numel {
            let n = tile.min(self.numel - start);
            let layout = if n == tile { &self.full } else { &self.rest };
            for (load, walker) in self.loads.iter().zip(&mut walkers) {
                if !load.once || start == 0 {
                    let n = if load.once { tile } else { n };
                    memory.writing(load.tile, |memory, out| {
                        walker.read(memory.data(load.source), out.data_mut().range(0..n))
                    })?;
                }
            }
            for op in &self.ops {
                let at = |offset: usize, moves: bool| if moves { offset + start } else { offset };
                let Source::Slot(out_slot) = op.out.source else { continue };
                let outcome = memory.writing(out_slot, |memory, out| {
                    let views = op.operands.iter().map(|x| {
                        let from = at(x.offset, x.moves);
                        View::new(memory.data(x.source).range(from..from + n), layout)
                    });
                    let views: SmallVec<[View; 4]> = views.collect::<Result<_>>()?;
                    let from = at(op.out.offset, op.out.moves);
                    let out = ViewMut::new(out.data_mut().range(from..from + n), layout.shape())?;
                    op.op.rule().eval(&views, out)
                });
                outcome.map_err(|e: Error| e.at(op.at))?;
            }
            start += n;
        }
        Ok(())
    }
}

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.ops.iter().map(|op| op.op.rule().name()).collect();
        let kept = self.ops.iter().filter(|op| op.out.moves && matches!(op.out.source, Source::Slot(_))).count();
        let at = self.ops.first().map(|op| op.at.to_string()).unwrap_or_default();
        write!(f, "[{}] over {}, {kept} kept  # {at}", names.join(" "), self.numel)
    }
}
