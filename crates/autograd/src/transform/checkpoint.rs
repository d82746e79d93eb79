//! Recomputing in the backward pass instead of keeping.

use std::panic::Location;

use rustc_hash::FxHashMap;
use wengert_tensor::{Layout, Result, View, ViewMut, kernel};

use super::recorded::Recorded;
use super::segments::{Plan, Stretch};
use super::{batched, pullback};
use crate::op::{Custom, Example, Rule, lift};
use crate::tape::{Tape, Var, VarId};
use crate::ty::Type;

/// `f(x)`, whose pullback computes what is between `x` and the result a second time.
///
/// So nothing between needs to be kept for the backward pass (T. Chen et al., "Training deep nets with sublinear
/// memory cost", 2016). Values and derivatives are those of `f`, by `x` and by every other variable
/// that `f` uses. Forward mode keeps what it needs, as always.
///
/// Memory is saved where a tape is finished by a program, as `Train::step` and the functions over
/// closures do: a tape that is asked for values again and again keeps them all.
///
/// ```
/// use wengert_autograd::{checkpoint, grad};
/// use wengert_tensor::Tensor;
///
/// let x = Tensor::from([0.5, -1.0]);
/// let again = grad(|x| (0..3).fold(x, |x, _| checkpoint(|x| (x * x).sin().exp(), x)).sum(), &x)?;
/// let kept = grad(|x| (0..3).fold(x, |x, _| (x * x).sin().exp()).sum(), &x)?;
/// assert_eq!(again, kept);
/// # Ok::<(), wengert_tensor::Error>(())
/// ```
#[track_caller]
pub fn checkpoint<'t>(f: impl FnOnce(Var<'t>) -> Var<'t>, x: Var<'t>) -> Var<'t> {
    let (line, start) = (Location::caller(), x.tape().len());
    let y = f(x);
    segmented(line, start, y, |stretch| {
        let all = 0..stretch.ids.len();
        Some(Plan { segments: [all].into(), kept_from: 1 })
    })
}

/// `f(x)`, of whose values so many are kept for the backward pass as `budget` bytes hold; the others are computed a
/// second time. Which, is chosen: nothing where all fit, else no more than must be.
///
/// The values between `x` and the result are cut into segments; what crosses from one to another is kept, and the
/// backward pass computes the rest again, a segment at a time (T. Chen et al., "Training deep nets with sublinear memory
/// cost", 2016). The budget counts what the backward pass reads of what is kept and of the largest segment, not the
/// cotangents; one too small for any way of cutting means the way that needs least, about 2 √n of n values in a chain.
/// Values have the same bits whatever the budget, and so have gradients by what is read only within `f`. Otherwise
/// as [`checkpoint`].
///
/// ```
/// use wengert_autograd::{Var, grad, remat};
/// use wengert_tensor::Tensor;
///
/// let x = Tensor::from([0.5, -1.0]);
/// fn deep(x: Var) -> Var {
///     (0..100).fold(x, |x, _| (x * x + 0.1).tanh())
/// }
/// let kept = grad(|x| deep(x).sum(), &x)?;
/// for budget in [0, 1000, usize::MAX] {
///     assert_eq!(grad(|x| remat(deep, x, budget).sum(), &x)?, kept);
/// }
/// # Ok::<(), wengert_tensor::Error>(())
/// ```
///
/// Planned bytes of the gradients of a network of 24 layers fall from 6.7 to 2.8 MB within 10 layers' values; those of
/// a character model of four transformer blocks from 63.5 to 24.4 MB within 24 MiB, for 90 matrix products instead of 75.
#[doc(alias("rematerialization", "checkpoint_sequential"))]
#[track_caller]
pub fn remat<'t>(f: impl FnOnce(Var<'t>) -> Var<'t>, x: Var<'t>, budget: usize) -> Var<'t> {
    let (line, start) = (Location::caller(), x.tape().len());
    let y = f(x);
    segmented(line, start, y, |stretch| stretch.plan(y, budget))
}

/// `y`, with a pullback that goes by the segments that `plan` makes of the equations from position `start` on.
fn segmented<'t>(
    line: &'static Location<'static>,
    start: usize,
    y: Var<'t>,
    plan: impl FnOnce(&Stretch) -> Option<Plan>,
) -> Var<'t> {
    let tape = y.tape();
    let inside =
        !y.is_poisoned() && y.id().index() >= start && !matches!(tape.eqn(y), Some(eqn) if eqn.operands.is_empty());
    if !inside || !y.dtype().is_float() {
        return y;
    }
    let stretch = Stretch::of(tape, start, y);
    let Some(plan) = tape.originating(line, || plan(&stretch)) else { return y };
    let mut operands = vec![y];
    let mut known: FxHashMap<VarId, usize> = FxHashMap::from_iter([(y.id(), 0)]);
    let mut number = |x: &Var<'t>| {
        *known.entry(x.id()).or_insert_with(|| {
            operands.push(*x);
            operands.len() - 1
        })
    };
    // What a later segment reads, of any before.
    let mut read = vec![false; stretch.ids.len()];
    read[stretch.ids.len() - 1] = true;
    let mut segments = Vec::with_capacity(plan.segments.len());
    for (k, places) in plan.segments.into_iter().enumerate().rev() {
        let results: Vec<Var<'t>> =
            places.clone().filter(|&place| read[place]).map(|place| Var { tape, id: stretch.ids[place] }).collect();
        let within = |id: VarId| stretch.places.get(&id).is_some_and(|place| places.contains(place));
        let (body, arguments) = Recorded::cut(tape, &results, &[], within);
        arguments.iter().filter_map(|x| stretch.places.get(&x.id())).for_each(|&place| read[place] = true);
        segments.push(Segment {
            body,
            arguments: arguments.iter().map(&mut number).collect(),
            results: results.iter().map(&mut number).collect(),
            again: k < plan.kept_from,
        });
    }
    tape.originating(line, || tape.record(Custom::new(Segmented { segments }), &operands))
}

/// y = y, which is made of other operands by segments; some operands are what one segment makes for another.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Segmented {
    /// The last first.
    segments: Vec<Segment>,
}

/// A part of the equations, by positions among the operands.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Segment {
    body: Recorded,
    arguments: Vec<usize>,
    results: Vec<usize>,
    /// Whether it is computed again. If not, what it records are the same equations as before, which a program
    /// computes once.
    again: bool,
}

impl Segment {
    /// The cotangents of the arguments, from those of the results and what is known of the arguments' own: summed in
    /// the order in which they would be without segments, so to the same bits.
    #[inline]
    fn pull<'t>(&self, tape: &'t Tape, arguments: &[Var<'t>], given: &[Option<Var<'t>>]) -> Vec<Option<Var<'t>>> {
        let pulled = |arguments: &[Var<'t>], given: &[Option<Var<'t>>]| {
            let results = self.body.replay(tape, arguments);
            pullback(&[&results, arguments].concat(), given, arguments)
        };
        if self.again {
            return pulled(arguments, given);
        }
        // Arguments that are not computed again depend on each other, and each is to have its own part alone: so the
        // pullback is recorded for others in their places first.
        let like = |v: &Var<'t>| tape.placeholder(v.ty());
        let mut others: Vec<Var<'t>> = arguments.iter().map(like).collect();
        let bars: Vec<Option<Var<'t>>> = given.iter().map(|bar| bar.as_ref().map(like)).collect();
        let found = pulled(&others, &bars);
        let there: Vec<Var<'t>> = found.iter().copied().flatten().collect();
        let Some(first) = others.first().map(|other| other.id()) else { return found };
        others.extend(bars.into_iter().flatten());
        let (body, _) = Recorded::cut(tape, &there, &others, |id| id >= first);
        let here: Vec<Var<'t>> = arguments.iter().copied().chain(given.iter().copied().flatten()).collect();
        let mut all = body.replay(tape, &here).into_iter();
        found.into_iter().map(|bar| bar.and_then(|_| all.next())).collect()
    }
}

impl Rule for Segmented {
    fn name(&self) -> &'static str {
        "checkpoint"
    }

    fn takes_halves(&self) -> bool {
        true
    }

    fn infer(&self, x: &[&Type]) -> Result<Type> {
        Ok(x[0].clone())
    }

    fn alias(&self, x: &Layout) -> Option<Layout> {
        Some(x.clone())
    }

    fn eval(&self, x: &[View], out: ViewMut) -> Result<()> {
        kernel::copy::copy(x[0], out)
    }

    #[inline]
    fn jvp<'t>(&self, _: &[Var<'t>], _: Var<'t>, dx: &[Option<Var<'t>>]) -> Option<Var<'t>> {
        dx[0]
    }

    #[inline]
    fn vjp<'t>(&self, i: usize, x: &[Var<'t>], y: Var<'t>, ybar: Var<'t>) -> Option<Var<'t>> {
        self.vjps(x, y, ybar)?[i]
    }

    #[inline]
    fn vjps<'t>(&self, x: &[Var<'t>], _: Var<'t>, ybar: Var<'t>) -> Option<Vec<Option<Var<'t>>>> {
        let mut bars: Vec<Option<Var<'t>>> = vec![None; x.len()];
        bars[0] = Some(ybar);
        for segment in &self.segments {
            let results = segment.results.iter().map(|&i| bars[i].take()).collect::<Vec<_>>();
            // The cotangent that is known last.
            let Some(last) = results.iter().flatten().copied().max_by_key(|bar| bar.id()) else { continue };
            let argument = |&i: &usize| if segment.again { x[i].after(last) } else { x[i] };
            let arguments: Vec<Var<'t>> = segment.arguments.iter().map(argument).collect();
            let given =
                results.into_iter().chain(segment.arguments.iter().map(|&i| bars[i].take())).collect::<Vec<_>>();
            let found = segment.pull(ybar.tape(), &arguments, &given);
            segment.arguments.iter().zip(found).for_each(|(&i, bar)| bars[i] = bar);
        }
        Some(bars)
    }

    #[inline]
    fn batch<'t>(&self, x: &[Var<'t>], flags: &[bool], n: usize) -> Var<'t> {
        let x = lift(x, flags, n);
        let tape = x[0].tape();
        let mut segments = Vec::with_capacity(self.segments.len());
        for segment in &self.segments {
            let types: Vec<Type> = segment.arguments.iter().map(|&i| x[i].ty()).collect();
            let one: Vec<Var<'t>> =
                types.iter().map(|ty| tape.placeholder(ty.with_shape(ty.shape.without(&[0])))).collect();
            let many: Vec<Var<'t>> = types.into_iter().map(|ty| tape.placeholder(ty)).collect();
            let all = batched(&segment.body.replay(tape, &one), &one, &many, n);
            if let Some(poisoned) = all.iter().find(|y| y.is_poisoned()) {
                return *poisoned;
            }
            let start = many.iter().map(|x| x.id()).max();
            let (body, _) = Recorded::cut(tape, &all, &many, |id| Some(id) > start);
            segments.push(Segment { body, ..segment.clone() });
        }
        tape.record(Custom::new(Self { segments }), &x)
    }

    #[inline]
    fn examples() -> Vec<Example> {
        Vec::new()
    }
}
