//! From a unit to a group: how every operand is read, and which tiles there are.

use std::mem::take;
use std::num::NonZero;
use std::panic::Location;
use std::sync::OnceLock;
use std::thread::available_parallelism;

use smallvec::{SmallVec, smallvec};
use wengert_tensor::kernel::blocks::{Blocks, From, Operand, Step, Work};
use wengert_tensor::kernel::cursor::Walker;
use wengert_tensor::kernel::pad::bind_rows;
use wengert_tensor::kernel::parts::Share;
use wengert_tensor::kernel::reduce::LEAF;
use wengert_tensor::kernel::reduce::stream::Stream;
use wengert_tensor::{DType, Layout};

use super::{End, Group, Local, chain};
use crate::program::Source;
use crate::program::cost::Note;
use crate::program::fuse::{Base, Domain, Place, Role, Unit, edges, reduction};
use crate::program::memory::Plan;
use crate::program::rows::{columns, even_rows, is_once, is_spread, repeats};
use crate::ty::Type;

/// Bytes of a tile, unless a row is longer: most of a group fit the L1 cache, all of it the L2 cache, and a step's own
/// costs are spread over thousands of elements.
const TILE: usize = 8192;

/// Elements that operations of a part make together, at least: about 10 microseconds of work.
const PART: usize = 1 << 18;
/// No more parts than this: enough for threads to end at about the same time.
const PARTS: usize = 64;
/// No more lanes than this, nor than the machine runs at once, because each has tiles of its own.
const LANES: usize = 32;

fn lcm(a: usize, b: usize) -> usize {
    let (mut x, mut y) = (a, b);
    while y > 0 {
        (x, y) = (y, x % y);
    }
    a / x.max(1) * b
}

/// Elements that may not be in the second cache together.
const FAR: usize = 1 << 18;

/// Bytes of a result that is written past the caches: most would have left them before anybody reads it.
const LEAVING: usize = 8 << 20;

/// A tile that is not yet given a local.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Tile {
    dtype: DType,
    len: usize,
    /// The last step that reads it.
    until: usize,
    /// For the results of leaves: whose they are, and how many of its rows are one of the group's.
    leaves: Option<(Stream, usize)>,
}

pub(super) struct Builder<'a, 'p> {
    pub plan: &'a mut Plan<'p>,
    unit: &'a Unit,
    domain: &'a Domain,
    rows: usize,
    pub cols: usize,
    block: usize,
    /// The locals of results: node, slot and number of elements.
    results: Vec<(usize, usize, usize)>,
    sources: Vec<Source>,
    /// Locals after those of results.
    tiles: Vec<Tile>,
    first: Vec<Step>,
    /// What is read before anything of a block is written.
    loads: Vec<Step>,
    steps: Vec<Step>,
    ends: Vec<End>,
    /// Nodes of the group, and where they are.
    inside: Vec<(usize, Operand)>,
    /// Other views of values that are there already.
    loaded: Vec<(Base, Layout, Operand)>,
}

impl Group {
    /// The group of a unit, with tiles from the plan's memory.
    pub fn new(plan: &mut Plan, unit: &Unit, domain: &Domain) -> Self {
        let cols = domain.cols.or_else(|| columns(plan, unit, TILE / 4)).unwrap_or(1);
        let rows = domain.numel / cols.max(1);
        let sizes = unit.nodes.iter().map(|&i| plan.graph.nodes[i].ty.dtype.size());
        let elements = TILE / sizes.max().unwrap_or(1).max(4);
        let block = (elements / cols.max(1)).clamp(1, rows.max(1));
        let kept = |&i: &usize| Some((i, plan.slot_of[i]?, plan.graph.nodes[i].ty.shape.numel()));
        let results = unit.nodes.iter().filter_map(kept).collect();
        let mut builder = Builder {
            plan,
            unit,
            domain,
            rows,
            cols,
            block,
            results,
            sources: Vec::new(),
            tiles: Vec::new(),
            first: Vec::new(),
            loads: Vec::new(),
            steps: Vec::new(),
            ends: Vec::new(),
            inside: Vec::new(),
            loaded: Vec::new(),
        };
        for k in 0..unit.nodes.len() {
            builder.node(k);
        }
        builder.finish()
    }
}

impl Builder<'_, '_> {
    fn node(&mut self, k: usize) {
        let i = self.unit.nodes[k];
        let node = &self.plan.graph.nodes[i];
        let (role, dtype, at) = (self.domain.roles[k], node.ty.dtype, node.at);
        let numel = |x: usize| self.plan.graph.nodes[x].ty.shape.numel();
        let width = match (reduction(&node.op), role) {
            (Some(_), Role::End) if numel(node.operands[0]) != self.domain.numel => 1,
            (None, Role::Row | Role::End) => 1,
            (None, Role::Aside) => node.ty.shape.numel() / self.rows.max(1),
            _ => self.cols,
        };
        if self.arithmetic(i, width) {
            return;
        }
        if let Some((line, around, value)) = edges(&node.op, &self.plan.graph.nodes[node.operands[0]].ty.shape) {
            let x = self.operand(node.operands[0], self.cols, at);
            return self.put(i, Work::Map(bind_rows(line, around, value), smallvec![x]), width);
        }
        let operands: SmallVec<[Operand; 3]> = node.operands.iter().map(|&x| self.operand(x, width, at)).collect();
        if let (Some((fold, _)), [x]) = (reduction(&node.op), &operands[..]) {
            if role != Role::End {
                return self.put(i, Work::Rows(fold, *x), 1);
            }
            let width = if node.ty.shape.numel() == 1 { 1 } else { self.cols };
            let stream = Stream { fold, width };
            let scale = x.width / width;
            let rows = self.rows * scale;
            let stays = |len, leaves| Tile { dtype, len, until: usize::MAX, leaves };
            let state = self.tile(stays(stream.state(), None));
            let totals = self.tile(stays(stream.totals(rows), Some((stream, scale))));
            let From::Local(totals) = totals.from else { return };
            if let Some(out) = self.result(i) {
                self.ends.push(End { stream, rows, totals, out });
            }
            return self.steps.push(Step {
                work: Work::Stream(stream, scale, *x, totals),
                out: state,
                at,
                passes: true,
            });
        }
        // Slices of any one length.
        let slice = Layout::contiguous([self.block * width].into());
        let dtypes = node.operands.iter().map(|&x| (self.plan.graph.nodes[x].ty.dtype, &slice));
        let dtypes: SmallVec<[(DType, &Layout); 3]> = dtypes.collect();
        let kernel = node.op.bind(&dtypes, &Type::new(dtype, slice.shape()));
        self.put(i, Work::Map(kernel, operands), width);
    }

    /// The local of node `i`, if it is a result.
    fn result(&self, i: usize) -> Option<usize> {
        self.results.iter().position(|(j, ..)| *j == i)
    }

    /// Makes node `i`, so many elements a row, in its local or a tile.
    pub fn put(&mut self, i: usize, work: Work, width: usize) {
        let node = &self.plan.graph.nodes[i];
        let (dtype, at) = (node.ty.dtype, node.at);
        let result = self.result(i).map(|local| Operand { from: From::Local(local), offset: 0, step: width, width });
        let far = node.ty.shape.numel() * dtype.size() >= LEAVING && width == self.cols && !self.is_over(i);
        let (out, leaving) = match result {
            Some(result) if far => (self.block_tile(dtype, width), Some(result)),
            Some(result) => (result, None),
            None => (self.block_tile(dtype, width), None),
        };
        self.inside.push((i, out));
        self.steps.push(Step { work, out, at, passes: true });
        if let Some(result) = leaving {
            self.steps.push(Step { work: Work::Leave(out), out: result, at, passes: true });
        }
    }

    /// Whether node `i` is written over something that the group reads.
    fn is_over(&mut self, i: usize) -> bool {
        let Some(slot) = self.plan.slot_of[i] else { return false };
        let nodes = self.unit.nodes.iter().flat_map(|&j| &self.plan.graph.nodes[j].operands);
        let bases: SmallVec<[Base; 16]> = nodes.map(|&x| self.plan.places[x].base).collect();
        bases.iter().any(|base| {
            *base != Base::Node(i) && !matches!(base, Base::Constant(_)) && self.plan.source(base) == Source::Slot(slot)
        })
    }

    /// Where node `i` is, if it is of the group.
    pub fn known(&self, i: usize) -> Option<Operand> {
        self.inside.iter().find(|(j, _)| *j == i).map(|(_, operand)| *operand)
    }

    /// Whether a result is written over a source.
    pub fn is_overwritten(&self, source: Source) -> bool {
        self.results.iter().any(|(_, slot, _)| source == Source::Slot(*slot))
    }

    /// A tile for a block of rows of so many elements.
    fn block_tile(&mut self, dtype: DType, width: usize) -> Operand {
        let tile = self.tile(Tile { dtype, len: self.block * width, until: 0, leaves: None });
        Operand { width, ..tile }
    }

    fn tile(&mut self, tile: Tile) -> Operand {
        self.tiles.push(tile);
        let local = self.results.len() + self.tiles.len() - 1;
        Operand { from: From::Local(local), offset: 0, step: 0, width: 1 }
    }

    /// How to read node `x`, with so many elements a row.
    pub fn operand(&mut self, x: usize, width: usize, at: &'static Location<'static>) -> Operand {
        let Place { base, layout } = self.plan.places[x].clone();
        let dtype = self.plan.graph.nodes[x].ty.dtype;
        let inside = match base {
            Base::Node(i) => self.known(i),
            _ => None,
        };
        if let Some(operand) = inside
            && operand.width == width
        {
            return operand;
        }
        if let Some((.., operand)) = self.loaded.iter().find(|(b, l, _)| *b == base && *l == layout) {
            return *operand;
        }
        let operand = match inside {
            // A node of the group that has one element a row.
            Some(row) => {
                let out = self.block_tile(dtype, self.cols);
                self.steps.push(Step { work: Work::Spread(row), out, at, passes: true });
                out
            }
            None => self.outside(&base, &layout, dtype, width, at),
        };
        self.loaded.push((base, layout, operand));
        operand
    }

    /// The number of a source among those of the group.
    pub fn shared(&mut self, source: Source) -> usize {
        self.sources.iter().position(|known| *known == source).unwrap_or_else(|| {
            self.sources.push(source);
            self.sources.len() - 1
        })
    }

    /// How to read what other units made.
    fn outside(
        &mut self,
        base: &Base,
        layout: &Layout,
        dtype: DType,
        width: usize,
        at: &'static Location<'static>,
    ) -> Operand {
        if let Base::Constant(i) = *base {
            let source = self.plan.constant(i, self.block * width);
            let source = self.shared(source);
            return Operand { from: From::Shared(source), offset: 0, step: 0, width };
        }
        let source = self.plan.source(base);
        let overwritten = self.results.iter().position(|(_, slot, _)| source == Source::Slot(*slot));
        let source = if overwritten.is_some() { usize::MAX } else { self.shared(source) };
        let direct = Operand { from: From::Shared(source), offset: layout.offset(), step: width, width };
        let repeated = width > 1 && repeats(layout, width);
        if layout.is_contiguous() {
            let Some(local) = overwritten else { return direct };
            let out = self.block_tile(dtype, width);
            let work = Work::Copy(Operand { from: From::Local(local), ..direct });
            self.loads.push(Step { work, out, at, passes: true });
            return out;
        }
        if repeated && self.block == 1 && even_rows(layout, width) == Some(0) {
            return Operand { step: 0, ..direct };
        }
        let out = self.block_tile(dtype, width);
        if width == self.cols && width > 1 && is_spread(layout, width) {
            let from = Operand { step: 1, width: 1, ..direct };
            self.loads.push(Step { work: Work::Spread(from), out, at, passes: true });
            return out;
        }
        let step = Step { work: Work::Gather(source, Walker::new(layout)), out, at, passes: true };
        if repeated || is_once(layout) {
            self.first.push(step)
        } else {
            self.loads.push(step)
        }
        out
    }

    /// How many rows a part has, so that it is worth a thread's while and its leaves are those of the whole, and how
    /// many parts there are.
    fn parts(&self, steps: &[Step]) -> (usize, usize) {
        let mut unit = self.block;
        for step in steps {
            if let Work::Stream(_, elements, ..) = step.work {
                unit = lcm(unit, lcm(elements, LEAF) / elements);
            }
        }
        let work = self.rows.saturating_mul(self.cols).saturating_mul(steps.len());
        let parts = (work / PART).clamp(1, PARTS);
        let part = self.rows.div_ceil(parts).next_multiple_of(unit);
        (part, self.rows.div_ceil(part))
    }

    /// The local of a result, and how much of it a part has.
    fn share(&self, i: usize, len: usize, part: usize) -> Local {
        let role = self.unit.nodes.iter().zip(&self.domain.roles).find(|(j, _)| **j == i).map(|(_, role)| *role);
        let part = match role {
            Some(Role::Full) => part * self.cols,
            Some(Role::Aside) => part * (len / self.rows.max(1)),
            Some(Role::Row) => part,
            _ => 0,
        };
        Local { len, share: Share::Part(part) }
    }

    /// What the group reads of others and what it leaves, as far as that is in the order of rows; nothing where it is all
    /// in the cache anyway.
    fn ahead(&self, steps: &[Step]) -> Vec<Operand> {
        let mut ahead: Vec<Operand> = Vec::new();
        let results = self.results.len();
        let mut note = |x: &Operand| {
            let lasting = match x.from {
                From::Shared(_) => true,
                From::Local(local) => local < results,
            };
            if lasting && x.step == x.width && x.step > 0 && !ahead.iter().any(|y| y.from == x.from) {
                ahead.push(*x);
            }
        };
        for step in steps {
            step.each_operand(&mut note);
            // What is left past the caches needs none of them.
            if !matches!(step.work, Work::Leave(_)) {
                note(&step.out);
            }
        }
        if self.rows.saturating_mul(self.cols) * ahead.len() < FAR { Vec::new() } else { ahead }
    }

    /// Gives tiles their locals: those that are not needed at the same time share one.
    fn finish(mut self) -> Group {
        let results = self.results.len();
        chain::in_pairs(&mut self.steps, results);
        chain::in_place(&mut self.loads, &mut self.steps, results);
        let mut steps = take(&mut self.loads);
        steps.append(&mut self.steps);
        let local = |x: &Operand| match x.from {
            From::Local(local) => local.checked_sub(results),
            From::Shared(_) => None,
        };
        for (k, step) in steps.iter().enumerate() {
            let mut touch = |x: &Operand| {
                if let Some(tile) = local(x) {
                    self.tiles[tile].until = self.tiles[tile].until.max(k);
                }
            };
            step.each_operand(&mut touch);
            touch(&step.out);
        }
        for tile in self.first.iter().filter_map(|step| local(&step.out)) {
            self.tiles[tile].until = usize::MAX;
        }
        // Locals of tiles, and until when each is taken; in the order in which they are written.
        let mut shared: Vec<Tile> = Vec::new();
        let mut given: Vec<Option<usize>> = vec![None; self.tiles.len()];
        let written = self.first.iter().map(|step| (0, step)).chain(steps.iter().enumerate());
        for (k, step) in written {
            let totals = match step.work {
                Work::Stream(.., totals) => Some(totals - results),
                _ => None,
            };
            for tile in local(&step.out).into_iter().chain(totals) {
                if given[tile].is_some() {
                    continue;
                }
                let Tile { dtype, len, until, .. } = self.tiles[tile];
                // What stays from block to block was not free in the block before.
                let stays = until == usize::MAX;
                let free = shared.iter().position(|s| !stays && s.dtype == dtype && s.len == len && s.until < k);
                match free {
                    Some(s) => (shared[s].until, given[tile]) = (until, Some(s)),
                    None => {
                        given[tile] = Some(shared.len());
                        shared.push(self.tiles[tile]);
                    }
                }
            }
        }
        let (part, parts) = self.parts(&steps);
        static AT_ONCE: OnceLock<usize> = OnceLock::new();
        let at_once = *AT_ONCE.get_or_init(|| available_parallelism().map_or(1, NonZero::get));
        let lanes = parts.min(at_once.min(LANES));
        // Tiles of one dtype lie in one slot, those of a local together, each from a cache line on.
        let mut slots: Vec<(usize, usize)> = self.results.iter().map(|&(_, slot, _)| (slot, 1)).collect();
        let mut locals: Vec<Local> = self.results.iter().map(|&(i, _, len)| self.share(i, len, part)).collect();
        let mut place = vec![0; shared.len()];
        for dtype in [DType::F32, DType::F64, DType::I64, DType::Bool, DType::BF16, DType::F16] {
            let first = locals.len();
            for (s, tile) in shared.iter().enumerate().filter(|(_, tile)| tile.dtype == dtype) {
                place[s] = locals.len();
                let len = tile.len.next_multiple_of(64);
                locals.push(match tile.leaves {
                    Some((stream, scale)) => Local { len, share: Share::Part(stream.totals(part * scale)) },
                    None => Local { len: lanes * len, share: Share::Lane(len) },
                });
            }
            if locals.len() > first {
                let len = locals[first..].iter().map(|local| local.len).sum();
                slots.push((self.plan.scratch(dtype, len), locals.len() - first));
            }
        }
        let settled = |local: usize| match local.checked_sub(results) {
            Some(tile) => place[given[tile].unwrap_or(0)],
            None => local,
        };
        for step in self.first.iter_mut().chain(&mut steps) {
            each_local(step, settled);
        }
        for end in &mut self.ends {
            end.totals = settled(end.totals);
        }
        for step in &mut steps {
            let mut width = step.out.width;
            step.each_operand(|x| width = width.max(x.width));
            step.passes = width >= self.cols;
        }
        let ahead = self.ahead(&steps);
        Group {
            rows: self.rows,
            cols: self.cols,
            slots,
            locals,
            sources: self.sources,
            part,
            parts,
            lanes,
            blocks: Blocks::new(self.block, self.cols, self.first, steps, ahead),
            ends: self.ends,
            names: self.unit.nodes.iter().map(|&i| self.plan.graph.nodes[i].op.rule().name()).collect(),
            note: Note::new(self.plan, &self.unit.nodes),
        }
    }
}

/// Replaces every local of a step by another.
fn each_local(step: &mut Step, settled: impl Fn(usize) -> usize) {
    let settle = |x: &mut Operand| {
        if let From::Local(local) = &mut x.from {
            *local = settled(*local);
        }
    };
    settle(&mut step.out);
    step.each_operand_mut(settle);
    if let Work::Stream(.., totals) = &mut step.work {
        *totals = settled(*totals);
    }
}
