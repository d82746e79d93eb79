//! A loop of so many steps: how it is recorded. The equation that it becomes is in `steps.rs`.

use wengert_tensor::{Error, Result};

use super::body::{Body, types};
use super::steps::{Keep, Scan};
use super::vars::{Sequence, Vars, leaves};
use crate::tape::{Tape, Var};

/// A loop over a sequence: `f(carry, item)` gives the new carry and a result. The answer is the last carry, and the
/// results of all steps stacked along a new leading axis.
///
/// It is one equation, whatever the number of steps: recording, differentiating and planning it cost no more for
/// ten thousand steps than for one, and it runs without touching the tape. The items are parts of variables along
/// their leading axis, or the number of the step; see [`Sequence`]. Carry, items and results may be single variables,
/// tuples, arrays or `Vec`s of them ([`Vars`]), of any dtypes; the carry keeps its types. The result may be `()`.
///
/// The body may use any other variable, and parameters: what does not change from step to step is computed once,
/// before the loop. Derivatives of every mode and order pass, also by what the body captures, and so does `vmap`.
/// Reverse mode needs the carries before every step, which are kept, and computes what is between them again; a scan
/// whose body is a scan of `√n` steps keeps about `2 √n` carries of `n`.
///
/// Values are those of the same loop written in Rust, bit for bit. So are tangents; cotangents agree up to the order
/// in which terms are added.
///
/// ```
/// use wengert_autograd::{Tape, grad, scan};
/// use wengert_tensor::Tensor;
///
/// // Compound interest: ten thousand small steps of x' = r x.
/// let slope = grad(|r| scan(|x, _| (x + 1e-4 * r * x, ()), r.full_like(1.0), 10_000).0, &Tensor::from(0.5))?;
/// assert!((slope.item()? - 0.5f64.exp()).abs() < 1e-3);
///
/// // A weighted mean as it runs, over two sequences at once.
/// let tape = Tape::new();
/// let (x, w) = (tape.input(&Tensor::from([1.0, 2.0, 6.0])), tape.input(&Tensor::from([1.0, 1.0, 2.0])));
/// let zero = tape.full((), 0.0);
/// let (_, means) = scan(
///     |(sum, weight), (x, w)| {
///         let (sum, weight) = (sum + w * x, weight + w);
///         ((sum, weight), sum / weight)
///     },
///     (zero, zero),
///     (x, w),
/// );
/// assert_eq!(means.value()?, Tensor::from([1.0, 1.5, 3.75]));
/// # Ok::<(), wengert_tensor::Error>(())
/// ```
///
/// A body that changes the type of the carry, or sequences of different lengths, are errors that say so.
#[doc(alias("fold", "fori_loop", "loop"))]
#[track_caller]
pub fn scan<'t, C: Vars<'t>, S: Sequence<'t>, Y: Vars<'t>>(
    f: impl FnOnce(C, S::Item) -> (C, Y),
    init: C,
    over: S,
) -> (C, Y) {
    let start = leaves(&init);
    let tape = match start.first().map(|x| x.tape()).or(over.place()) {
        Some(tape) => tape,
        None => nowhere("scan"),
    };
    let line = tape.here();
    let open = tape.originating(line, || Open::new(tape, start, over.whole(tape), over.is_reversed()));
    let (carry, item) = (init.with(&mut open.carry.iter().copied()), over.item(tape, &mut open.items.iter().copied()));
    let (carry, y) = f(carry, item);
    let (last, ys) = tape.originating(line, || open.close(&leaves(&carry), &leaves(&y)));
    (init.with(&mut last.into_iter()), y.with(&mut ys.into_iter()))
}

/// The tape of a loop without any variable, with the mistake.
#[track_caller]
pub(super) fn nowhere<'t>(name: &'static str) -> &'t Tape {
    let tape = crate::tape::nowhere(name);
    tape.error(Error::tape(format!("{name}: has no variable to begin with, so it is on no tape")));
    tape
}

/// A scan whose body is being recorded.
struct Open<'t> {
    tape: &'t Tape,
    init: Vec<Var<'t>>,
    over: Vec<Var<'t>>,
    reversed: bool,
    /// A mistake, as a poisoned variable, or the number of steps.
    steps: std::result::Result<usize, Var<'t>>,
    /// What the body gets.
    carry: Vec<Var<'t>>,
    items: Vec<Var<'t>>,
}

impl<'t> Open<'t> {
    #[inline]
    fn new(tape: &'t Tape, init: Vec<Var<'t>>, mut over: Vec<Var<'t>>, reversed: bool) -> Self {
        let steps = match init.iter().chain(&over).find(|x| x.is_poisoned()) {
            Some(poisoned) => Err(*poisoned),
            None => length(&over).map_err(|error| tape.error(error)),
        };
        let (carry, items) = match steps {
            Ok(_) => {
                let item = |x: &Var<'t>| tape.placeholder(x.ty().with_shape(x.shape().without(&[0])));
                (init.iter().map(|x| tape.placeholder(x.ty())).collect(), over.iter().map(item).collect())
            }
            Err(poisoned) => (vec![poisoned; init.len()], vec![poisoned; over.len()]),
        };
        if let (Ok(_), true) = (steps, reversed) {
            over.iter_mut().for_each(|x| *x = x.flip(0));
        }
        Self { tape, init, over, reversed, steps, carry, items }
    }

    /// The last carry and the stacked results, from those of a step.
    #[inline]
    fn close(self, carry: &[Var<'t>], ys: &[Var<'t>]) -> (Vec<Var<'t>>, Vec<Var<'t>>) {
        let steps = match self.steps.and_then(|steps| self.checked(carry, ys).map(|()| steps)) {
            Ok(steps) => steps,
            Err(poisoned) => return (vec![poisoned; self.init.len()], vec![poisoned; ys.len()]),
        };
        // A result that is a new carry is among the carries that are kept anyway.
        let twin = |y: &Var<'t>| carry.iter().position(|c| c.id() == y.id());
        let own: Vec<Var<'t>> = ys.iter().copied().filter(|y| twin(y).is_none()).collect();
        let given = [&self.carry[..], &self.items].concat();
        let (body, used) = Body::cut_loop(self.tape, &[carry, &own].concat(), &given);
        let keep = carry.iter().enumerate().map(|(i, c)| {
            let stacked = c.dtype().is_float() || ys.iter().any(|y| twin(y) == Some(i));
            if stacked { Keep::Every } else { Keep::Last }
        });
        let keep = keep.chain(own.iter().map(|_| Keep::Every)).collect::<Vec<_>>();
        let scan = Scan { steps, carries: carry.len(), xs: self.items.len(), ys: own.len(), keep, body };
        let operands = [&self.init[..], &self.over, &used[given.len()..]].concat();
        let answers = scan.record(self.tape, &operands);
        let mut own = answers[carry.len()..].iter().flatten();
        let last = |i: usize| match (&answers[i], scan.keep[i]) {
            (Some((flat, part)), Keep::Every) => part.row(*flat, steps),
            (Some((flat, part)), _) => part.of(*flat),
            (None, _) => self.init[i],
        };
        let stack = |y: &Var<'t>| match twin(y).map(|i| &answers[i]) {
            Some(Some((flat, part))) => part.rows(*flat, 1..steps + 1),
            _ => own.next().map_or(*y, |(flat, part)| part.of(*flat)),
        };
        let stacks: Vec<Var<'t>> = ys.iter().map(stack).collect();
        let stacks = if self.reversed { stacks.iter().map(|y| y.flip(0)).collect() } else { stacks };
        ((0..carry.len()).map(last).collect(), stacks)
    }

    /// What is wrong with a step's results, as a poisoned variable.
    #[inline]
    fn checked(&self, carry: &[Var<'t>], ys: &[Var<'t>]) -> std::result::Result<(), Var<'t>> {
        if let Some(poisoned) = carry.iter().chain(ys).find(|x| x.is_poisoned()) {
            return Err(*poisoned);
        }
        if carry.iter().chain(ys).any(|x| !std::ptr::eq(x.tape(), self.tape)) {
            return Err(self.tape.error(Error::tape("scan: its body gives variables of another tape")));
        }
        same_carry("scan", &self.init, carry).map_err(|error| self.tape.error(error))
    }
}

/// Refuses a carry that a step changes in number or type.
#[inline]
pub(super) fn same_carry(name: &str, before: &[Var<'_>], after: &[Var<'_>]) -> Result<()> {
    if before.len() != after.len() {
        let (m, n) = (before.len(), after.len());
        return Err(Error::value(format!("{name}: the carry has {m} variables before a step and {n} after it")));
    }
    let (before, after) = (types(before), types(after));
    let Some(i) = (0..before.len()).find(|&i| before[i] != after[i]) else { return Ok(()) };
    let which = if before.len() == 1 { String::new() } else { format!("variable {i} of ") };
    let sentence = format!("{name}: {which}the carry is {} before a step and {} after it", before[i], after[i]);
    match before[i].dtype == after[i].dtype {
        true => Err(Error::shape(sentence)),
        false => Err(Error::dtype(sentence)),
    }
}

/// The size of the leading axis that all have.
#[inline]
fn length(over: &[Var<'_>]) -> Result<usize> {
    let Some(first) = over.first() else {
        return Err(Error::value("scan: goes over no variable; give it a number of steps instead"));
    };
    let mut steps = None;
    for x in over {
        let shape = x.shape();
        match (shape.first(), steps) {
            (None, _) => return Err(Error::shape(format!("scan: goes over {}, which has no leading axis", x.ty()))),
            (Some(n), Some(steps)) if *n != steps => {
                let sentence = format!("scan: goes over {} and {shape}, whose leading axes differ", first.shape());
                return Err(Error::shape(sentence));
            }
            (Some(n), _) => steps = Some(*n),
        }
    }
    Ok(steps.unwrap_or(0))
}
