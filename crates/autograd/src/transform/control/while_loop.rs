//! A loop that runs while a condition holds: values and forward mode.

use std::mem::swap;
use std::ops::Range;
use std::panic::Location;
use std::sync::Arc;

use smallvec::SmallVec;
use wengert_tensor::{DType, Error, Result, Tensor, View, ViewMut};

use super::super::pushforward;
use super::body::{Body, expect, headed, owned};
use super::cond::choose;
use super::flat::{Part, dtypes, flatten, moved};
use super::scan::{nowhere, same_carry};
use super::vars::{Vars, leaves};
use crate::op::{Custom, Narrowed, Rule};
use crate::tape::{Tape, Var};
use crate::ty::Type;

/// How often a [`while_loop`] runs its body at most.
const LIMIT: usize = 1_000_000;

/// A loop that runs while `test(carry)`, a single truth value, is true: `body(carry)` gives the next carry, of the same
/// types. The answer is the carry for which the test is false.
///
/// It is one equation, whatever happens when it runs. Carries are single variables, tuples, arrays or `Vec`s of them
/// ([`Vars`]), of any dtypes; both functions may use any other variable. Forward mode passes, and `vmap`: lanes that
/// are done keep their values until all are. Reverse mode would have to keep every carry of a loop that has no known length: it
/// is an error, which says to use [`scan`](super::scan).
///
/// A loop that is still going after 1,000,000 steps is taken for a runaway and is an error:
/// [`while_loop_within`] sets another bound.
///
/// How often it goes is not known before it runs: so its work counts as nothing in a program's
/// [`cost`](crate::Compiled::cost), and a profile has one line for all its steps. In a batch every step evaluates the body of
/// every lane, of those that are done too.
///
/// ```
/// use wengert_autograd::{Var, jvp, while_loop};
/// use wengert_tensor::Tensor;
///
/// // The square root by Newton's method.
/// fn root(x: Var) -> Var {
///     while_loop(|r| (r * r - x).abs().greater(1e-12 * x), |r| 0.5 * (r + x / r), x)
/// }
/// let (y, dy) = jvp(root, &Tensor::from(9.0), &Tensor::from(1.0))?;
/// assert!((y.item()? - 3.0).abs() < 1e-9 && (dy.item()? - 1.0 / 6.0).abs() < 1e-9);
/// # Ok::<(), wengert_tensor::Error>(())
/// ```
#[track_caller]
pub fn while_loop<'t, C: Vars<'t>>(test: impl FnOnce(C) -> Var<'t>, body: impl FnOnce(C) -> C, init: C) -> C {
    while_loop_within(LIMIT, test, body, init)
}

/// A [`while_loop`] that may run its body `limit` times; a loop that is still going then is an error.
#[track_caller]
pub fn while_loop_within<'t, C: Vars<'t>>(
    limit: usize,
    test: impl FnOnce(C) -> Var<'t>,
    body: impl FnOnce(C) -> C,
    init: C,
) -> C {
    let start = leaves(&init);
    let tape = match start.first() {
        Some(x) => x.tape(),
        None => nowhere("while_loop"),
    };
    let line = tape.here();
    let given = tape.originating(line, || match start.iter().find(|x| x.is_poisoned()) {
        Some(poisoned) => vec![*poisoned; start.len()],
        None => start.iter().map(|x| tape.placeholder(x.ty())).collect(),
    });
    let test = test(init.with(&mut given.iter().copied()));
    let next = leaves(&body(init.with(&mut given.iter().copied())));
    let last = tape.originating(line, || close(tape, line, limit, &start, &given, test, &next));
    init.with(&mut last.into_iter())
}

/// Records the loop, from what was recorded of a step.
#[inline]
fn close<'t>(
    tape: &'t Tape,
    line: &'static Location<'static>,
    limit: usize,
    init: &[Var<'t>],
    given: &[Var<'t>],
    test: Var<'t>,
    next: &[Var<'t>],
) -> Vec<Var<'t>> {
    let wrong = |error: Error| vec![tape.fail(error.at(line)); init.len()];
    if let Some(poisoned) = init.iter().chain(next).chain([&test]).find(|x| x.is_poisoned()) {
        return vec![*poisoned; init.len()];
    }
    if next.iter().chain([&test]).any(|x| !std::ptr::eq(x.tape(), tape)) {
        return wrong(Error::tape("while_loop: its functions give variables of another tape"));
    }
    if test.ty() != Type::new(DType::Bool, ()) {
        return wrong(Error::dtype(format!(
            "while_loop: the test is {}, and a single truth value is wanted",
            test.ty()
        )));
    }
    if let Err(error) = same_carry("while_loop", init, next) {
        return wrong(error);
    }
    let (all, used) = Body::cut_loop(tape, &[&[test], next].concat(), given);
    let keep = vec![true; init.len()];
    let operands = [init, &used[given.len()..]].concat();
    While::new(all, keep, limit).map_or_else(wrong, |rule| {
        let answers = rule.record(tape, &operands);
        answers.iter().zip(init).map(|(answer, x)| answer.unwrap_or(*x)).collect()
    })
}

/// y = the carries that are kept, one after another in a flat vector, once the test is false
///
/// The operands are carries and constants.
#[derive(Clone, PartialEq, Eq, Hash)]
struct While {
    /// The test's result and the next carries.
    all: Arc<Body>,
    /// Which carries are in the result; those of an equation are of one dtype.
    keep: Vec<bool>,
    limit: usize,
    test: Arc<Body>,
    next: Arc<Body>,
}

impl While {
    /// A loop of a body whose first result is the test.
    ///
    /// # Errors
    /// Where its parts cannot be recorded.
    #[inline]
    fn new(all: Arc<Body>, keep: Vec<bool>, limit: usize) -> Result<Self> {
        let operands: Vec<usize> = (0..all.operands.len()).collect();
        let test = all.part(&[0], &operands)?;
        let next = all.part(&(1..all.results.len()).collect::<Vec<_>>(), &operands)?;
        Ok(Self { all, keep, limit, test, next })
    }

    fn carries(&self) -> usize {
        self.keep.len()
    }

    /// Records what is kept, an equation for each dtype, and takes it apart.
    #[inline]
    fn record<'t>(&self, tape: &'t Tape, x: &[Var<'t>]) -> Vec<Option<Var<'t>>> {
        let mut answers = vec![None; self.carries()];
        let kept = (0..self.carries()).filter(|&c| self.keep[c]);
        for dtype in dtypes(kept.map(|c| &self.all.operands[c])) {
            let keep = (0..self.carries()).map(|c| self.keep[c] && self.all.operands[c].dtype == dtype).collect();
            let (one, carries, operands) = match self.pruned(keep) {
                Ok(pruned) => pruned,
                Err(error) => return vec![Some(tape.error(error)); self.carries()],
            };
            let parts = one.parts();
            let y = tape.record(Custom::new(one), &operands.iter().map(|&i| x[i]).collect::<Vec<_>>());
            // A carry that is only needed here may be kept by the equation of its own dtype.
            for (part, c) in parts.iter().zip(carries).filter_map(|(part, c)| Some((part.as_ref()?, c))) {
                answers[c] = Some(part.of(y));
            }
        }
        answers
    }

    /// The loop that keeps some carries, without what neither they nor the test depend on; and which carries and
    /// operands it still has.
    #[inline]
    fn pruned(&self, keep: Vec<bool>) -> Result<(Self, Vec<usize>, Vec<usize>)> {
        let mut needed = [&[true], &keep[..]].concat();
        let used = loop {
            let used = self.all.ancestors(&needed);
            let more: Vec<usize> = (0..self.carries()).filter(|&c| used[c] && !needed[c + 1]).collect();
            if more.is_empty() {
                break used;
            }
            more.into_iter().for_each(|c| needed[c + 1] = true);
        };
        let stays = |i: usize| if i < self.carries() { needed[i + 1] } else { used[i] };
        let operands: Vec<usize> = (0..used.len()).filter(|&i| stays(i)).collect();
        let results: Vec<usize> = (0..needed.len()).filter(|&r| needed[r]).collect();
        let carries: Vec<usize> = results[1..].iter().map(|r| r - 1).collect();
        let keep = carries.iter().map(|&c| keep[c]).collect();
        Ok((Self::new(self.all.part(&results, &operands)?, keep, self.limit)?, carries, operands))
    }

    /// Where the carries that are kept lie in the result.
    #[inline]
    fn parts(&self) -> Vec<Option<Part>> {
        Part::all((0..self.carries()).map(|c| self.keep[c].then(|| self.all.operands[c].clone())))
    }

    /// Marks the carries that depend on marked operands after any step; all of them, where the test does.
    #[inline]
    fn spread(&self, marks: &mut [bool], by_test: bool) {
        loop {
            let results = self.all.dependents(marks);
            let reached = |c: usize| results[c + 1] || by_test && results[0];
            let more: Vec<usize> = (0..self.carries()).filter(|&c| reached(c) && !marks[c]).collect();
            if more.is_empty() {
                return;
            }
            more.into_iter().for_each(|c| marks[c] = true);
        }
    }
}

impl Rule for While {
    fn name(&self) -> &'static str {
        "while_loop"
    }

    #[inline]
    fn lines(&self) -> Vec<String> {
        headed("while", &self.test).chain(headed("do", &self.next)).collect()
    }

    #[inline]
    fn workspace(&self) -> usize {
        self.test.workspace().saturating_add(self.next.workspace())
    }

    #[inline]
    fn takes_halves(&self) -> bool {
        true
    }

    fn infer(&self, x: &[&Type]) -> Result<Type> {
        expect("while_loop", x, self.all.operands.iter().cloned())?;
        Ok(Part::whole(&self.parts()))
    }

    #[inline]
    fn eval(&self, x: &[View], mut out: ViewMut) -> Result<()> {
        let mut arguments: Vec<Tensor> = x.iter().map(|x| owned(*x)).collect::<Result<_>>()?;
        let (mut going, mut answers) = (self.test.answers()?, self.next.answers()?);
        self.test.run(|test| {
            self.next.run(|next| {
                let mut step = 0;
                loop {
                    let within = |error: Error| error.within(format_args!("while_loop: step {step}"));
                    let now: SmallVec<[&Tensor; 16]> = arguments.iter().collect();
                    test.run_into(&now, &mut going).map_err(within)?;
                    if going[0].iter::<bool>()?.next() == Some(false) {
                        return Ok(());
                    }
                    if step == self.limit {
                        let sentence = format!(
                            "while_loop: still going after {step} steps; `while_loop_within` allows more of them"
                        );
                        return Err(Error::value(sentence));
                    }
                    next.run_into(&now, &mut answers).map_err(within)?;
                    drop(now);
                    // The old carries' memory is for the next ones.
                    arguments.iter_mut().zip(&mut answers).for_each(|(c, answer)| swap(c, answer));
                    step += 1;
                }
            })
        })?;
        for (part, carry) in self.parts().iter().zip(&arguments) {
            if let Some(part) = part {
                part.write(&mut out, 0, carry)?;
            }
        }
        Ok(())
    }

    #[inline]
    fn narrowed(&self, read: &[Range<usize>]) -> Option<Narrowed> {
        let parts = self.parts();
        let keep: Vec<bool> =
            parts.iter().map(|part| part.as_ref()?.first_read(read)).map(|read| read.is_some()).collect();
        if keep == self.keep {
            return None;
        }
        let (rule, carries, operands) = self.pruned(keep).ok()?;
        let both = carries.iter().zip(rule.parts()).filter_map(|(&c, new)| Some((parts[c].clone()?, new?, 0)));
        let starts = moved(read, &both.collect::<Vec<_>>());
        Some(Narrowed { op: Custom::new(rule).into(), operands, starts })
    }

    #[inline]
    fn jvp<'t>(&self, x: &[Var<'t>], y: Var<'t>, dx: &[Option<Var<'t>>]) -> Option<Var<'t>> {
        if !y.dtype().is_float() {
            return None;
        }
        let (carries, n) = (self.carries(), x.len());
        let mut varies: Vec<bool> = dx.iter().map(Option::is_some).collect();
        (0..carries).for_each(|c| varies[c] |= self.keep[c]);
        self.spread(&mut varies, false);
        let moving = |i: &usize| varies[*i] && self.all.operands[*i].dtype.is_float();
        let (dc, dk): (Vec<usize>, Vec<usize>) =
            ((0..carries).filter(moving).collect(), (carries..n).filter(moving).collect());
        let ty = |&i: &usize| self.all.operands[i].clone();
        let operands: Vec<Type> = (self.all.operands[..carries].iter().cloned())
            .chain(dc.iter().map(ty))
            .chain(self.all.operands[carries..].iter().cloned())
            .chain(dk.iter().map(ty))
            .collect();
        let body = Body::build(&operands, &|tape, v| {
            let (c, rest) = v.split_at(carries);
            let (c_dots, rest) = rest.split_at(dc.len());
            let (k, k_dots) = rest.split_at(n - carries);
            let x = [c, k].concat();
            let mut dx = vec![None; n];
            dc.iter().zip(c_dots).chain(dk.iter().zip(k_dots)).for_each(|(&i, &dot)| dx[i] = Some(dot));
            let ys = self.all.on(tape, &x);
            let dys = pushforward(&ys, &x, &dx);
            let there = |&c: &usize| dys[c + 1].unwrap_or_else(|| ys[c + 1].full_like(0.0));
            ys.iter().copied().chain(dc.iter().map(there)).collect()
        });
        let keep = vec![false; carries].into_iter().chain(dc.iter().map(|&c| self.keep[c])).collect::<Vec<_>>();
        let pruned = body.and_then(|body| Self::new(body, keep.clone(), self.limit)?.pruned(keep));
        let dot = |&i: &usize| dx[i].unwrap_or_else(|| x[i].full_like(0.0));
        let operands: Vec<Var<'t>> = (x[..carries].iter().copied())
            .chain(dc.iter().map(dot))
            .chain(x[carries..].iter().copied())
            .chain(dk.iter().map(dot))
            .collect();
        // Tangents are kept in the order of what is kept, so the vector of tangents is the tangent of the vector.
        Some(match pruned {
            Ok((rule, _, stay)) => {
                y.tape().record(Custom::new(rule), &stay.iter().map(|&i| operands[i]).collect::<Vec<_>>())
            }
            Err(error) => y.tape().error(error),
        })
    }

    #[inline]
    fn vjp<'t>(&self, _: usize, _: &[Var<'t>], y: Var<'t>, _: Var<'t>) -> Option<Var<'t>> {
        let sentence = "while_loop: reverse mode needs a known number of steps: use `scan`, or forward mode (`jvp`)";
        Some(y.tape().error(Error::gradient(sentence)))
    }

    #[inline]
    fn batch<'t>(&self, x: &[Var<'t>], batched: &[bool], n: usize) -> Var<'t> {
        let (tape, carries) = (x[0].tape(), self.carries());
        let mut marks = batched.to_vec();
        self.spread(&mut marks, true);
        let own_tests = self.all.dependents(&marks)[0];
        let body = self.all.batched(&marks, n).and_then(|all| match own_tests {
            false => Ok(all),
            // Until all lanes are done; those that are keep their values.
            true => Body::build(&all.operands, &|tape, x| {
                let ys = all.on(tape, x);
                let next = ys[1..].iter().zip(x).map(|(&next, &x)| choose(ys[0], next, x));
                [ys[0].any()].into_iter().chain(next).collect()
            }),
        });
        let rule = match body.and_then(|body| Self::new(body, self.keep.clone(), self.limit)) {
            Ok(rule) => rule,
            Err(error) => return tape.error(error),
        };
        let operand = |i: usize| match (marks[i], batched[i]) {
            (true, false) => x[i].broadcast_to(x[i].shape().with_axis(0, n)),
            _ => x[i],
        };
        let operands: Vec<Var<'t>> = (0..x.len()).map(operand).collect();
        let mut parts = Vec::with_capacity(carries);
        for (c, part) in rule.record(tape, &operands).into_iter().enumerate() {
            let Some(part) = part else { continue };
            parts.push(if marks[c] { part } else { part.broadcast_to(part.shape().with_axis(0, n)) });
        }
        flatten(tape, &parts, n, &Part::whole(&self.parts()))
    }
}

impl std::fmt::Debug for While {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (carries, constants) = (self.carries(), self.all.operands.len() - self.carries());
        write!(f, "While {{ carries: {carries}, constants: {constants}, limit: {} }}", self.limit)
    }
}
