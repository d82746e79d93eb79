//! A branch: of two functions, the one that a truth value chooses.

use std::cell::RefCell;
use std::ops::Range;
use std::sync::Arc;

use wengert_tensor::{DType, Error, Result, Tensor, View, ViewMut};

use super::super::{pullback, pushforward};
use super::body::{Body, expect, headed, owned, types, zero};
use super::flat::{Part, dtypes, flatten, moved};
use super::vars::{Vars, leaves};
use crate::op::{Custom, Narrowed, Rule, lift};
use crate::tape::{Tape, Var};
use crate::ty::Type;

/// `then(x)` where `test`, a single truth value, is true, else `otherwise(x)`; both give the same types.
///
/// Both are recorded, and only the one chosen runs. So what is singular where it is not chosen leaves no trace in
/// values or derivatives, unlike with [`where_`](Var::where_). Arguments and results are single variables, tuples, arrays or
/// `Vec`s of them ([`Vars`]), also none, `()`; the functions may use any other variable. Derivatives of every mode and order
/// pass. In a batch whose tests differ both run, and each lane keeps what is its own.
///
/// ```
/// use wengert_autograd::{Var, cond, grad};
/// use wengert_tensor::Tensor;
///
/// fn safe_root(x: Var) -> Var {
///     cond(x.greater(0.0), |x| x.sqrt(), |x| 0.0 * x, x)
/// }
/// assert_eq!(grad(safe_root, &Tensor::from(4.0))?.item()?, 0.25);
/// assert_eq!(grad(safe_root, &Tensor::from(0.0))?.item()?, 0.0);
/// # Ok::<(), wengert_tensor::Error>(())
/// ```
#[doc(alias("if", "ifelse"))]
#[track_caller]
pub fn cond<'t, X: Vars<'t>, Y: Vars<'t>>(
    test: Var<'t>,
    then: impl FnOnce(X) -> Y,
    otherwise: impl FnOnce(X) -> Y,
    x: X,
) -> Y {
    let (tape, arguments) = (test.tape(), leaves(&x));
    let line = tape.here();
    let given = tape.originating(line, || match arguments.iter().chain([&test]).find(|x| x.is_poisoned()) {
        Some(poisoned) => vec![*poisoned; arguments.len()],
        None => arguments.iter().map(|x| tape.placeholder(x.ty())).collect(),
    });
    let start = tape.len();
    let x = || x.with(&mut given.iter().copied());
    let (then, otherwise) = tape.lazily(|| (then(x()), leaves(&otherwise(x()))));
    let open = Open { tape, test, arguments, given, start };
    let answers = tape.originating(line, || open.close(&leaves(&then), &otherwise));
    then.with(&mut answers.into_iter())
}

/// A branch whose sides were recorded from `start` on.
struct Open<'t> {
    tape: &'t Tape,
    test: Var<'t>,
    arguments: Vec<Var<'t>>,
    given: Vec<Var<'t>>,
    start: usize,
}

impl<'t> Open<'t> {
    #[inline]
    fn close(self, then: &[Var<'t>], otherwise: &[Var<'t>]) -> Vec<Var<'t>> {
        let tape = self.tape;
        let all = || [&[self.test], &self.arguments[..], then, otherwise].concat();
        if let Some(poisoned) = all().into_iter().find(|x| x.is_poisoned()) {
            return vec![poisoned; then.len()];
        }
        let outcome = if all().iter().any(|x| !std::ptr::eq(x.tape(), tape)) {
            Err(Error::tape("cond: its functions use variables of different tapes"))
        } else if self.test.ty() != Type::new(DType::Bool, ()) {
            Err(Error::dtype(format!("cond: the test is {}, and a single truth value is wanted", self.test.ty())))
        } else {
            same_results(then, otherwise).and_then(|()| {
                let (both, used) = Body::cut(tape, &[then, otherwise].concat(), &self.given, self.start);
                let operands = [&[self.test], &self.arguments[..], &used[self.given.len()..]].concat();
                Ok((Cond::of(&both)?, operands))
            })
        };
        match outcome {
            Ok((rule, operands)) => rule.record(tape, &operands),
            Err(error) => vec![tape.error(error); then.len()],
        }
    }
}

/// Refuses sides that differ in the number or types of their results.
#[inline]
fn same_results(then: &[Var<'_>], otherwise: &[Var<'_>]) -> Result<()> {
    let (a, b) = (types(then), types(otherwise));
    if a.len() != b.len() {
        return Err(Error::value(format!("cond: one side gives {} variables and the other {}", a.len(), b.len())));
    }
    match a.iter().zip(&b).find(|(a, b)| a != b) {
        Some((a, b)) => Err(Error::shape(format!("cond: one side gives {a} and the other {b}"))),
        None => Ok(()),
    }
}

/// y = the results of the side that the first operand chooses, one after another in a flat vector
///
/// Both sides are functions of all other operands, with results of the same types.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Cond {
    then: Arc<Body>,
    otherwise: Arc<Body>,
}

impl Cond {
    /// The branch of a body that has the results of both sides, those of the first one first.
    #[inline]
    fn of(both: &Body) -> Result<Self> {
        let (operands, n) = ((0..both.operands.len()).collect::<Vec<_>>(), both.results.len() / 2);
        let side = |from: usize| both.part(&(from..from + n).collect::<Vec<_>>(), &operands);
        Ok(Self { then: side(0)?, otherwise: side(n)? })
    }

    /// Records an equation for each dtype, and takes it apart.
    #[inline]
    fn record<'t>(&self, tape: &'t Tape, x: &[Var<'t>]) -> Vec<Var<'t>> {
        let results = &self.then.results;
        let mut answers = x[..1].repeat(results.len());
        for dtype in dtypes(results) {
            let mine: Vec<usize> = (0..results.len()).filter(|&r| results[r].dtype == dtype).collect();
            let (rule, operands) = match self.pruned(&mine) {
                Ok(pruned) => pruned,
                Err(error) => return vec![tape.error(error); results.len()],
            };
            let parts = rule.parts();
            let operands: Vec<Var<'t>> = [x[0]].into_iter().chain(operands.iter().map(|&i| x[i + 1])).collect();
            let y = tape.record(Custom::new(rule), &operands);
            for (part, r) in parts.iter().flatten().zip(mine) {
                answers[r] = part.of(y);
            }
        }
        answers
    }

    /// The branch with some of its results, and the operands that these need.
    #[inline]
    fn pruned(&self, results: &[usize]) -> Result<(Self, Vec<usize>)> {
        let marks: Vec<bool> = (0..self.then.results.len()).map(|r| results.contains(&r)).collect();
        let used = self.then.ancestors(&marks).into_iter().zip(self.otherwise.ancestors(&marks));
        let operands: Vec<usize> = used.enumerate().filter(|(_, (a, b))| *a || *b).map(|(i, _)| i).collect();
        let side = |body: &Body| body.part(results, &operands);
        Ok((Self { then: side(&self.then)?, otherwise: side(&self.otherwise)? }, operands))
    }

    #[inline]
    fn parts(&self) -> Vec<Option<Part>> {
        Part::all(self.then.results.iter().cloned().map(Some))
    }

    /// The branch whose sides are made from the sides of this one.
    #[inline]
    fn map(&self, side: impl Fn(&Body) -> Result<Arc<Body>>) -> Result<Self> {
        Ok(Self { then: side(&self.then)?, otherwise: side(&self.otherwise)? })
    }
}

impl Rule for Cond {
    fn name(&self) -> &'static str {
        "cond"
    }

    #[inline]
    fn lines(&self) -> Vec<String> {
        headed("then", &self.then).chain(headed("else", &self.otherwise)).collect()
    }

    #[inline]
    fn takes_halves(&self) -> bool {
        true
    }

    fn infer(&self, x: &[&Type]) -> Result<Type> {
        let wanted: Vec<Type> = [Type::new(DType::Bool, ())].into_iter().chain(self.then.operands.clone()).collect();
        expect("cond", x, wanted.into_iter())?;
        Ok(Part::whole(&self.parts()))
    }

    #[inline]
    fn eval(&self, x: &[View], mut out: ViewMut) -> Result<()> {
        let test = x[0].typed::<bool>("cond")?.iter().next() == Some(true);
        let body = if test { &self.then } else { &self.otherwise };
        // What only the other side uses is not read.
        let used = body.ancestors(&vec![true; body.results.len()]);
        let argument = |(x, used): (&View, bool)| match used {
            true => owned(*x),
            false => zero(x.dtype())?.broadcast_to(x.shape()),
        };
        let arguments: Vec<Tensor> = x[1..].iter().zip(used).map(argument).collect::<Result<_>>()?;
        let answers = body.run(|program| program.run(&arguments.iter().collect::<Vec<_>>()))?;
        self.parts().iter().flatten().zip(&answers).try_for_each(|(part, answer)| part.write(&mut out, 0, answer))
    }

    #[inline]
    fn narrowed(&self, read: &[Range<usize>]) -> Option<Narrowed> {
        let parts: Vec<Part> = self.parts().into_iter().flatten().collect();
        let results: Vec<usize> = (0..parts.len()).filter(|&r| parts[r].first_read(read).is_some()).collect();
        if results.len() == parts.len() {
            return None;
        }
        let (rule, operands) = self.pruned(&results).ok()?;
        let both = results.iter().zip(rule.parts()).filter_map(|(&r, new)| Some((parts[r].clone(), new?, 0)));
        let starts = moved(read, &both.collect::<Vec<_>>());
        let operands = [0].into_iter().chain(operands.iter().map(|i| i + 1)).collect();
        Some(Narrowed { op: Custom::new(rule).into(), operands, starts })
    }

    #[inline]
    fn workspace(&self) -> usize {
        self.then.workspace().max(self.otherwise.workspace())
    }

    fn flops(&self, _: &[&Type], _: &Type) -> u64 {
        // Of the dearer side.
        self.then.flops().max(self.otherwise.flops())
    }

    #[inline]
    fn jvp<'t>(&self, x: &[Var<'t>], y: Var<'t>, dx: &[Option<Var<'t>>]) -> Option<Var<'t>> {
        if !y.dtype().is_float() {
            return None;
        }
        let (n, moving) = (x.len() - 1, (1..x.len()).filter(|&i| dx[i].is_some()).collect::<Vec<_>>());
        let operands: Vec<Type> = self
            .then
            .operands
            .iter()
            .cloned()
            .chain(moving.iter().map(|&i| self.then.operands[i - 1].clone()))
            .collect();
        let rule = self.map(|body| {
            Body::build(&operands, &|tape, v| {
                let mut dx = vec![None; n];
                moving.iter().zip(&v[n..]).for_each(|(&i, &dot)| dx[i - 1] = Some(dot));
                let ys = body.on(tape, &v[..n]);
                let dys = pushforward(&ys, &v[..n], &dx);
                ys.iter().zip(dys).map(|(y, dy)| dy.unwrap_or_else(|| y.full_like(0.0))).collect()
            })
        });
        let operands: Vec<Var<'t>> = x[1..].iter().copied().chain(moving.iter().filter_map(|&i| dx[i])).collect();
        let all: Vec<usize> = (0..self.then.results.len()).collect();
        Some(match rule.and_then(|rule| rule.pruned(&all)) {
            Ok((rule, stay)) => {
                let operands: Vec<Var<'t>> = [x[0]].into_iter().chain(stay.iter().map(|&i| operands[i])).collect();
                y.tape().record(Custom::new(rule), &operands)
            }
            Err(error) => y.tape().error(error),
        })
    }

    #[inline]
    fn vjp<'t>(&self, i: usize, x: &[Var<'t>], y: Var<'t>, ybar: Var<'t>) -> Option<Var<'t>> {
        self.vjps(x, y, ybar)?[i]
    }

    #[inline]
    fn vjps<'t>(&self, x: &[Var<'t>], _: Var<'t>, ybar: Var<'t>) -> Option<Vec<Option<Var<'t>>>> {
        let (tape, n) = (ybar.tape(), x.len() - 1);
        let floats: Vec<usize> = (0..n).filter(|&i| self.then.operands[i].dtype.is_float()).collect();
        let operands: Vec<Type> = [&self.then.operands[..], &self.then.results].concat();
        let reached = RefCell::new(vec![false; n]);
        let rule = self.map(|body| {
            Body::build(&operands, &|tape, v| {
                let ys = body.on(tape, &v[..n]);
                let bars = pullback(&ys, &v[n..].iter().copied().map(Some).collect::<Vec<_>>(), &v[..n]);
                reached.borrow_mut().iter_mut().zip(&bars).for_each(|(reached, bar)| *reached |= bar.is_some());
                floats.iter().map(|&i| bars[i].unwrap_or_else(|| v[i].full_like(0.0))).collect()
            })
        });
        let bars = self.parts().into_iter().flatten().map(|part| part.of(ybar));
        let operands: Vec<Var<'t>> = x.iter().copied().chain(bars).collect();
        let answers = match rule {
            Ok(rule) => rule.record(tape, &operands),
            Err(error) => vec![tape.error(error); floats.len()],
        };
        let mut xbars = vec![None; n + 1];
        let reached = reached.into_inner();
        floats.iter().zip(answers).filter(|(i, _)| reached[**i]).for_each(|(&i, xbar)| xbars[i + 1] = Some(xbar));
        Some(xbars)
    }

    #[inline]
    fn batch<'t>(&self, x: &[Var<'t>], batched: &[bool], n: usize) -> Var<'t> {
        let tape = x[0].tape();
        // Both sides have the same results, so all are batched in both.
        let x = [&x[..1], &lift(&x[1..], &batched[1..], n)].concat();
        let marks = vec![true; x.len() - 1];
        let rule = self.map(|body| {
            let (body, depends) = (body.batched(&marks, n)?, body.dependents(&marks));
            Body::build(&body.operands, &|tape, v| {
                let ys = body.on(tape, v);
                (0..ys.len()).map(|i| if depends[i] { ys[i] } else { lift(&ys[i..=i], &[false], n)[0] }).collect()
            })
        });
        let parts = match (rule, batched[0]) {
            (Err(error), _) => return tape.error(error),
            (Ok(rule), false) => rule.record(tape, &x),
            (Ok(rule), true) => {
                let sides = rule.then.on(tape, &x[1..]).into_iter().zip(rule.otherwise.on(tape, &x[1..]));
                sides.map(|(a, b)| choose(x[0], a, b)).collect()
            }
        };
        flatten(tape, &parts, n, &Part::whole(&self.parts()))
    }
}

/// `a` in the lanes whose test is true, else `b`; both have a leading axis for the lanes.
#[inline]
pub(super) fn choose<'t>(tests: Var<'t>, a: Var<'t>, b: Var<'t>) -> Var<'t> {
    let mut shape = tests.shape();
    (1..a.rank()).for_each(|axis| shape = shape.with_axis(axis, 1));
    tests.reshape(shape).where_(a, b)
}

impl std::fmt::Debug for Cond {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Cond {{ operands: {}, results: {} }}", self.then.operands.len(), self.then.results.len())
    }
}
