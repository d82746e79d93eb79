//! Which equations run together: a group passes over memory once, a block of rows at a time.
//!
//! A group has so many *rows* of so many *columns*. Its nodes are
//!
//! - [`Full`](Role::Full): an element for every row and column, as elementwise operations make them;
//! - [`Row`](Role::Row): an element for every row: reductions of trailing axes, and what is made of them element by
//!   element. Stretched over the columns again, others of the group read them;
//! - [`Aside`](Role::Aside): as many rows, of more elements than there are columns: what pads the rows, and what is made of that;
//! - [`End`](Role::End): reductions of leading axes and of everything, which are known after the last block: only other
//!   units read them.
//!
//! Softmax or layer normalization, forwards and backwards, with the loss and the gradients of gain and bias, is one group.
//!
//! A node joins a unit that made one of its operands, or else a late one of the same size (a reduction: one that reads
//! its operand too), where everything that it
//! reads is in the group at the same place or comes from units that do not wait for this one. What keeps that
//! cheap is a *level* for every unit, above those of all that it waits for; it is raised where a node joins that
//! waits for more.

use std::mem::take;

use smallvec::SmallVec;
use wengert_tensor::kernel::reduce::Fold;
use wengert_tensor::{DType, Layout, Pad as Edges, Scalar, Shape};

use super::graph::Graph;
use super::rows::is_spread;
use super::sink::sink;
use super::tiny;
use crate::op::Op;

/// What a node's elements are read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
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

/// What a node of a group is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// An element for every row and column.
    Full,
    /// An element for every row.
    Row,
    /// As many rows, of another number of elements.
    Aside,
    /// Known after the last row.
    End,
}

/// What the nodes of a group go over.
#[derive(Debug, Clone, Default)]
pub(super) struct Domain {
    /// Rows times columns.
    pub numel: usize,
    /// The columns, once something depends on them.
    pub cols: Option<usize>,
    /// What each node of the unit is.
    pub roles: SmallVec<[Role; 4]>,
}

/// Nodes that run together, in order.
#[derive(Debug)]
pub(super) struct Unit {
    pub nodes: Vec<usize>,
    /// `None` for one operation on whole operands.
    pub domain: Option<Domain>,
    /// For nodes whose values are all tiny: the dtype of the machine that runs them.
    pub tiny: Option<DType>,
}

impl Unit {
    /// Whether node `i` is written as the group goes along its rows, and so may take the place of an operand that is
    /// read so.
    pub fn goes_along(&self, i: usize) -> bool {
        let role = |domain: &Domain| Some(domain.roles[self.nodes.iter().position(|&j| j == i)?]);
        self.domain.as_ref().and_then(role).is_some_and(|role| role != Role::End)
    }
}

/// Groups hold no more nodes than this, which bounds the tiles that they need at a time.
pub(super) const LIMIT: usize = 64;
/// How far back a node looks for a group to join that made none of its operands: a bound on the work.
const WINDOW: usize = 32;
/// How many units may be put after another because a node joins it: likewise.
const RAISES: usize = 64;
/// Shorter rows than this are padded by themselves.
const SHORTEST: usize = 16;
/// Rows are short where they are no longer than this: a tile has several.
const SHORT: usize = 512;
/// Rows are no longer than this: then the tiles of a group stay in the L2 cache.
const COLUMNS: usize = 8192;

/// Where every node's elements are, and the units that compute those that no view of others expresses, in an order in
/// which operands come first.
pub(super) fn units(graph: &Graph) -> (Vec<Place>, Vec<Unit>) {
    let n = graph.nodes.len();
    let mut fuser = Fuser {
        graph,
        places: Vec::with_capacity(n),
        made: vec![Made { unit: 0, role: Role::Full }; n],
        units: vec![],
    };
    let mut inputs = 0;
    for (i, node) in graph.nodes.iter().enumerate() {
        let contiguous = || Layout::contiguous(node.ty.shape.clone());
        let alias = node.operands.first().and_then(|&x| {
            let place: &Place = &fuser.places[x];
            Some(Place { base: place.base, layout: node.op.rule().alias(&place.layout)? })
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
            fuser.assign(i);
        }
        fuser.places.push(place);
    }
    fuser.finish()
}

/// A reduction that a group can hold.
pub(super) fn reduction(op: &Op) -> Option<(Fold, &[usize])> {
    Some(match op {
        Op::Sum(op) => (Fold::Sum, &op.axes),
        Op::Max(op) => (Fold::Max, &op.axes),
        Op::Min(op) => (Fold::Min, &op.axes),
        Op::Any(op) => (Fold::Any, &op.axes),
        Op::All(op) => (Fold::All, &op.axes),
        _ => return None,
    })
}

/// Of what pads one axis of a shape: the elements of that axis and those within it, how many are put before and after them, and
/// their value.
pub(super) fn edges(op: &Op, shape: &Shape) -> Option<(usize, [usize; 2], Scalar)> {
    let Op::Pad(pad) = op else { return None };
    let mut padded = pad.pads.iter().enumerate().filter(|(_, pad)| **pad != Edges::default());
    let ((axis, &Edges { lo, hi, interior: 0 }), None) = (padded.next()?, padded.next()) else { return None };
    let inner: usize = shape[axis + 1..].iter().product();
    Some((shape[axis] * inner, [lo * inner, hi * inner], pad.value))
}

/// The columns for what goes along lines of so many elements of a shape: as many lines as are short together.
fn rows_of(shape: &Shape, line: usize) -> usize {
    let mut cols = 1;
    for &size in shape.iter().rev() {
        if cols >= line && cols * size > SHORT {
            break;
        }
        cols *= size;
    }
    cols
}

/// Which axes a reduction is over, apart from those of size 1.
enum Pattern {
    All,
    /// The last, with so many elements together.
    Trailing(usize),
    /// All but the last, which have so many elements together.
    Leading(usize),
}

fn pattern(shape: &Shape, axes: &[usize]) -> Option<Pattern> {
    let (mut kept, mut reduced) = (1, 1);
    // The last axis decides; then it may change once.
    let (mut last, mut changes) = (None, 0);
    for axis in (0..shape.rank()).rev().filter(|&axis| shape[axis] != 1) {
        let this = axes.contains(&axis);
        *(if this { &mut reduced } else { &mut kept }) *= shape[axis];
        changes += usize::from(last.is_some_and(|before: (bool, bool)| before.1 != this));
        last = Some((last.map_or(this, |(first, _)| first), this));
    }
    match last {
        _ if kept == 1 => Some(Pattern::All),
        Some((true, _)) if changes == 1 => Some(Pattern::Trailing(reduced)),
        Some((false, _)) if changes == 1 => Some(Pattern::Leading(kept)),
        _ => None,
    }
}

/// Which unit makes a node, and what the node is there.
#[derive(Debug, Clone, Copy)]
struct Made {
    unit: usize,
    role: Role,
}

#[derive(Debug)]
struct Draft {
    unit: Unit,
    level: u32,
    /// Units that wait for this one.
    later: SmallVec<[usize; 4]>,
}

struct Fuser<'a> {
    graph: &'a Graph,
    places: Vec<Place>,
    made: Vec<Made>,
    units: Vec<Draft>,
}

impl Fuser<'_> {
    /// Puts node `i` in a unit.
    fn assign(&mut self, i: usize) {
        let mut makers: SmallVec<[usize; 4]> = SmallVec::new();
        for &x in &self.graph.nodes[i].operands {
            if let Base::Node(base) = self.places[x].base {
                let unit = self.made[base].unit;
                if !makers.contains(&unit) {
                    makers.push(unit);
                }
            }
        }
        makers.sort_unstable_by(|a, b| b.cmp(a));
        let with: SmallVec<[usize; 4]> = match self.graph.widens(i) {
            true => self.beside_reader(i, &makers).into_iter().collect(),
            false => makers.clone(),
        };
        for &u in &with {
            if let Some((role, cols)) = self.units[u].unit.domain.as_ref().and_then(|domain| self.fits(i, u, domain))
                && self.wait(u, &makers, true)
            {
                return self.join(i, u, role, cols, &makers);
            }
        }
        let op = &self.graph.nodes[i].op;
        let (elementwise, reduces) = (op.rule().is_elementwise(), reduction(op).is_some());
        if elementwise || reduces {
            let first = self.units.len().saturating_sub(WINDOW);
            for u in (first..self.units.len()).rev().filter(|u| !makers.contains(u)) {
                if let Some(domain) = &self.units[u].unit.domain
                    && let Some((role, cols)) = self.fits(i, u, domain)
                    && (elementwise || self.reads_too(i, u))
                    && self.wait(u, &makers, false)
                {
                    return self.join(i, u, role, cols, &makers);
                }
            }
        }
        let u = self.units.len();
        let node = &self.graph.nodes[i];
        let numel = match &node.op {
            Op::Pad(_) => self.graph.nodes[node.operands[0]].ty.shape.numel(),
            op if reduction(op).is_some() => self.graph.nodes[node.operands[0]].ty.shape.numel(),
            _ => node.ty.shape.numel(),
        };
        let domain = Domain { numel, ..Domain::default() };
        let fit = self.fits(i, u, &domain);
        let level = makers.iter().map(|&v| self.units[v].level + 1).max().unwrap_or(0);
        let unit = Unit { nodes: Vec::new(), domain: fit.map(|_| domain), tiny: None };
        self.units.push(Draft { unit, level, later: SmallVec::new() });
        let (role, cols) = fit.unwrap_or((Role::End, None));
        self.join(i, u, role, cols, &makers);
    }

    /// The unit for a conversion from half precision, made by `makers`: that where its reader will probably be, so that what
    /// others keep is not the result. One that is read as a whole is made in passing, if its operand was just made.
    fn beside_reader(&self, i: usize, makers: &[usize]) -> Option<usize> {
        let reader = self.graph.nodes[i + 1..].iter().find(|node| node.operands.contains(&i))?;
        let last = self.units.len().checked_sub(1)?;
        if !reader.op.rule().is_elementwise() && reduction(&reader.op).is_none() {
            return makers.first().copied().filter(|&u| u == last);
        }
        let known = reader.operands.iter().filter(|&&x| x < i).filter_map(|&x| match self.places[x].base {
            Base::Node(base) => Some(self.made[base].unit),
            _ => None,
        });
        known.chain(makers.iter().copied()).max()
    }

    fn join(&mut self, i: usize, u: usize, role: Role, cols: Option<usize>, makers: &[usize]) {
        self.made[i] = Made { unit: u, role };
        let unit = &mut self.units[u].unit;
        unit.nodes.push(i);
        if let Some(domain) = &mut unit.domain {
            domain.cols = cols;
            domain.roles.push(role);
        }
        for &v in makers.iter().filter(|&&v| v != u) {
            if matches!(role, Role::Full | Role::Aside) && self.is_early(v, u) && self.reads_whole(i, v) {
                self.absorb(v, u);
            } else if self.units[v].later.last() != Some(&u) {
                self.units[v].later.push(u);
            }
        }
    }

    /// Whether unit `v` waits for nothing, nobody waits for it, and unit `u` is of its size: it could as well run there.
    fn is_early(&self, v: usize, u: usize) -> bool {
        let (early, late) = (&self.units[v], &self.units[u]);
        let (Some(a), Some(b)) = (&early.unit.domain, &late.unit.domain) else { return false };
        early.level == 0
            && early.later.is_empty()
            && a.numel == b.numel
            && (a.cols.is_none() || a.cols == b.cols)
            && a.roles.iter().all(|role| matches!(role, Role::Full | Role::Aside))
            && a.roles.len() + b.roles.len() <= LIMIT
    }

    /// Whether all that node `i` reads of unit `v` is whole, as it is made.
    fn reads_whole(&self, i: usize, v: usize) -> bool {
        self.graph.nodes[i].operands.iter().map(|&x| &self.places[x]).all(|place| match place.base {
            Base::Node(base) if self.made[base].unit == v => match self.made[base].role {
                Role::Full => place.is_whole(),
                Role::Aside => place.is_whole() && self.is_all(place),
                _ => false,
            },
            _ => true,
        })
    }

    /// Makes the nodes of unit `v`, which waits for nothing, the first of unit `u`.
    fn absorb(&mut self, v: usize, u: usize) {
        let early = &mut self.units[v];
        let (mut nodes, mut roles) = (take(&mut early.unit.nodes), SmallVec::new());
        if let Some(domain) = early.unit.domain.take() {
            roles = domain.roles;
        }
        nodes.iter().for_each(|&i| self.made[i].unit = u);
        let unit = &mut self.units[u].unit;
        nodes.append(&mut unit.nodes);
        unit.nodes = nodes;
        if let Some(domain) = &mut unit.domain {
            roles.append(&mut domain.roles);
            domain.roles = roles;
        }
    }

    /// What node `i` would be in unit `u`, and the unit's columns then. Its operands from other units are not looked at.
    fn fits(&self, i: usize, u: usize, domain: &Domain) -> Option<(Role, Option<usize>)> {
        let node = &self.graph.nodes[i];
        let size = node.ty.shape.numel();
        if domain.numel == 0 || domain.roles.len() >= LIMIT {
            return None;
        }
        if let Some((line, ..)) = edges(&node.op, &self.graph.nodes[*node.operands.first()?].ty.shape) {
            let (x, place) = (&self.graph.nodes[node.operands[0]], &self.places[node.operands[0]]);
            let cols = domain.cols.unwrap_or_else(|| rows_of(&x.ty.shape, line));
            let here = matches!(place.base, Base::Node(base) if self.made[base].unit == u);
            let fits = (here || domain.roles.is_empty())
                && size > 0
                && x.ty.shape.numel() == domain.numel
                && (SHORTEST..=COLUMNS).contains(&cols)
                && cols.is_multiple_of(line);
            return (fits && self.reads(place, u, domain, Role::Full)).then_some((Role::Aside, Some(cols)));
        }
        if node.op.rule().is_elementwise() {
            let role = match domain.cols {
                _ if size == domain.numel => Role::Full,
                Some(cols) if size.checked_mul(cols) == Some(domain.numel) => Role::Row,
                Some(_) if node.operands.iter().any(|&x| self.is_aside(x, u)) => Role::Aside,
                _ => return None,
            };
            let fits = node.operands.iter().all(|&x| self.reads(&self.places[x], u, domain, role));
            return fits.then_some((role, domain.cols));
        }
        let (_, axes) = reduction(&node.op)?;
        let shape = &self.graph.nodes[node.operands[0]].ty.shape;
        let (from, full) = (&self.places[node.operands[0]], shape.numel() == domain.numel);
        // Columns that are not decided yet may be these.
        let may_be = |cols: usize| cols <= COLUMNS && domain.cols.is_none_or(|c| c == cols);
        let (of, role, cols) = match pattern(shape, axes)? {
            Pattern::All if full && may_be(domain.numel) => (Role::Full, Role::Row, Some(domain.numel)),
            Pattern::All if full => (Role::Full, Role::End, domain.cols),
            Pattern::All if domain.cols.and_then(|cols| cols.checked_mul(shape.numel())) == Some(domain.numel) => {
                (Role::Row, Role::End, domain.cols)
            }
            Pattern::Trailing(cols) if full && may_be(cols) => (Role::Full, Role::Row, Some(cols)),
            Pattern::Leading(cols) if full && may_be(cols) => (Role::Full, Role::End, Some(cols)),
            _ => return None,
        };
        // What is reduced lies row by row, wherever it is.
        (from.layout.is_contiguous() && self.reads(from, u, domain, of)).then_some((role, cols))
    }

    /// Whether a node that is `role` in unit `u` can read a place there, if it is of this unit.
    fn reads(&self, place: &Place, u: usize, domain: &Domain, role: Role) -> bool {
        let Base::Node(base) = place.base else { return true };
        let Made { unit, role: there } = self.made[base];
        match (there, role) {
            _ if unit != u => true,
            (Role::Full, Role::Full) | (Role::Row, Role::Row) => place.is_whole(),
            (Role::Aside, Role::Aside) => place.is_whole() && self.is_all(place),
            (Role::Row, Role::Full) => {
                place.layout.offset() == 0 && domain.cols.is_some_and(|cols| is_spread(&place.layout, cols))
            }
            _ => false,
        }
    }

    /// Whether a place is of as many elements as the node there has.
    fn is_all(&self, place: &Place) -> bool {
        matches!(place.base, Base::Node(base) if self.graph.nodes[base].ty.shape.numel() == place.layout.numel())
    }

    /// Whether node `x` is one of unit `u` whose rows are of another length, or a view of all of it.
    fn is_aside(&self, x: usize, u: usize) -> bool {
        let Place { base: Base::Node(base), .. } = self.places[x] else { return false };
        let Made { unit, role } = self.made[base];
        unit == u && role == Role::Aside && self.is_all(&self.places[x])
    }

    /// Whether unit `u` reads the first operand of node `i` anyway.
    fn reads_too(&self, i: usize, u: usize) -> bool {
        let base = |x: &usize| &self.places[*x].base;
        let x = base(&self.graph.nodes[i].operands[0]);
        let mut read = self.units[u].unit.nodes.iter().flat_map(|&j| &self.graph.nodes[j].operands);
        read.any(|y| base(y) == x)
    }

    /// Whether unit `u` can wait for the units `for_these`; raises its level above theirs if it `may`.
    fn wait(&mut self, u: usize, for_these: &[usize], may_raise: bool) -> bool {
        let others = || for_these.iter().copied().filter(|&v| v != u);
        let Some(highest) = others().map(|v| self.units[v].level).max() else { return true };
        if highest < self.units[u].level {
            return true;
        }
        // Whoever waits for `u` must be raised with it; if one of the others does, it cannot wait for them.
        let mut raised: SmallVec<[(usize, u32); 16]> = SmallVec::new();
        let mut next = 0;
        raised.push((u, highest + 1));
        while let Some(&(v, level)) = raised.get(next) {
            if !may_raise || raised.len() > RAISES {
                return false;
            }
            for &w in &self.units[v].later {
                if others().any(|other| other == w) {
                    return false;
                }
                if self.units[w].level <= level {
                    raised.push((w, level + 1));
                }
            }
            next += 1;
        }
        for (v, level) in raised {
            self.units[v].level = self.units[v].level.max(level);
        }
        true
    }

    /// The units in order: as they were begun, but each after those that it waits for.
    fn finish(self) -> (Vec<Place>, Vec<Unit>) {
        let n = self.units.len();
        let mut waits: Vec<SmallVec<[usize; 4]>> = vec![SmallVec::new(); n];
        for (v, draft) in self.units.iter().enumerate() {
            draft.later.iter().for_each(|&u| waits[u].push(v));
        }
        let mut units: Vec<Option<Unit>> = self.units.into_iter().map(|draft| Some(draft.unit)).collect();
        let mut ordered = Vec::with_capacity(n);
        let mut stack = Vec::new();
        for u in 0..n {
            stack.push((u, false));
            while let Some((u, ready)) = stack.pop() {
                if units[u].is_none() {
                    continue;
                }
                if !ready {
                    stack.push((u, true));
                    let mut before: SmallVec<[usize; 4]> =
                        waits[u].iter().copied().filter(|&v| units[v].is_some()).collect();
                    before.sort_unstable_by(|a, b| b.cmp(a));
                    stack.extend(before.into_iter().map(|v| (v, false)));
                } else if let Some(mut unit) = units[u].take() {
                    // A reduction or a padding alone is faster by itself.
                    if let [i] = unit.nodes[..]
                        && !self.graph.nodes[i].op.rule().is_elementwise()
                    {
                        unit.domain = None;
                    }
                    if !unit.nodes.is_empty() {
                        ordered.push(unit);
                    }
                }
            }
        }
        sink(self.graph, &self.places, &mut ordered);
        (self.places, tiny::merged(self.graph, ordered))
    }
}
