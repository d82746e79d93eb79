//! A loop of so many steps, in both modes: one equation, however many steps.
//!
//! A step's body takes carries, its parts of what is gone over, and constants; it gives the new carries, results that are
//! stacked, and results that are summed. Derivatives are scans again: the pullback goes from the last step to the
//! first, takes the carries that were kept before every step, computes the body's intermediates again and sums the
//! cotangents of constants. So derivatives of any order follow, and memory grows with the carries alone.

use std::mem::swap;
use std::ops::Range;
use std::sync::Arc;

use smallvec::SmallVec;
use wengert_tensor::{Layout, Result, SliceRange, Tensor, View, ViewMut};

use super::super::{pullback, pushforward};
use super::body::{Body, expect, lifted, owned, zero};
use super::flat::{Part, dtypes, flatten, moved};
use crate::op::{Custom, Narrowed, Rule};
use crate::tape::{Tape, Var};
use crate::ty::Type;

/// What of a result of the body is in the result of the scan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Keep {
    Nothing,
    /// A carry after the last step; the sum of a result over all steps.
    Last,
    /// A carry before the first step and after every one; a result of every step.
    Every,
}

/// y = all that is kept of `steps` steps, one after another in a flat vector
///
/// The operands are carries, what is gone over, with a leading axis of `steps`, and constants, which every step
/// gets. The body's results are new carries, results that are stacked, and results that are summed.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct Scan {
    pub steps: usize,
    pub carries: usize,
    pub xs: usize,
    pub ys: usize,
    /// For each result of the body. What an equation keeps is of one dtype.
    pub keep: Vec<Keep>,
    pub body: Arc<Body>,
}

impl Scan {
    /// Records what is kept, an equation for each dtype: for each result of the body the vector that has what is kept
    /// of it, and its part.
    #[inline]
    pub fn record<'t>(&self, tape: &'t Tape, x: &[Var<'t>]) -> Vec<Option<(Var<'t>, Part)>> {
        let mut answers = vec![None; self.keep.len()];
        let kept = (0..self.keep.len()).filter(|&r| self.keep[r] != Keep::Nothing);
        for dtype in dtypes(kept.map(|r| &self.body.results[r])) {
            let of = |r: usize| if self.body.results[r].dtype == dtype { self.keep[r] } else { Keep::Nothing };
            let one = Self { keep: (0..self.keep.len()).map(of).collect(), ..self.clone() };
            let (scan, results, operands) = match one.pruned() {
                Ok(pruned) => pruned,
                Err(error) => {
                    let wrong = tape.error(error);
                    return self.parts().into_iter().map(|part| Some((wrong, part?))).collect();
                }
            };
            let parts = scan.parts();
            let y = tape.record(Custom::new(scan), &operands.iter().map(|&i| x[i]).collect::<Vec<_>>());
            // A carry that is only needed here may be kept by the equation of its own dtype.
            for (part, r) in parts.into_iter().zip(results).filter_map(|(part, r)| Some((part?, r))) {
                answers[r] = Some((y, part));
            }
        }
        answers
    }

    /// The same without what nothing that is kept depends on, and which results of the body and which operands it
    /// still has.
    #[inline]
    fn pruned(&self) -> Result<(Self, Vec<usize>, Vec<usize>)> {
        let mut needed: Vec<bool> = self.keep.iter().map(|keep| *keep != Keep::Nothing).collect();
        let used = loop {
            let used = self.body.ancestors(&needed);
            let more: Vec<usize> = (0..self.carries).filter(|&c| used[c] && !needed[c]).collect();
            if more.is_empty() {
                break used;
            }
            more.into_iter().for_each(|c| needed[c] = true);
        };
        let stays = |i: usize| if i < self.carries { needed[i] } else { used[i] };
        let operands: Vec<usize> = (0..used.len()).filter(|&i| stays(i)).collect();
        let results: Vec<usize> = (0..needed.len()).filter(|&r| needed[r]).collect();
        if operands.len() == used.len() && results.len() == needed.len() {
            return Ok((self.clone(), results, operands));
        }
        let within =
            |list: &[usize], from: usize, n: usize| list.iter().filter(|&&i| (from..from + n).contains(&i)).count();
        let scan = Self {
            steps: self.steps,
            carries: within(&operands, 0, self.carries),
            xs: within(&operands, self.carries, self.xs),
            ys: within(&results, self.carries, self.ys),
            keep: results.iter().map(|&r| self.keep[r]).collect(),
            body: self.body.part(&results, &operands)?,
        };
        Ok((scan, results, operands))
    }

    /// Where what is kept lies in the result.
    #[inline]
    pub(super) fn parts(&self) -> Vec<Option<Part>> {
        let ty = |r: usize| {
            let ty = &self.body.results[r];
            match self.keep[r] {
                Keep::Nothing => None,
                Keep::Last => Some(ty.clone()),
                Keep::Every if r < self.carries => Some(lifted(ty, self.steps.saturating_add(1))),
                Keep::Every => Some(lifted(ty, self.steps)),
            }
        };
        Part::all((0..self.keep.len()).map(ty))
    }

    fn is_x(&self, i: usize) -> bool {
        (self.carries..self.carries + self.xs).contains(&i)
    }

    /// The type of an operand.
    #[inline]
    fn operand(&self, i: usize) -> Type {
        let ty = &self.body.operands[i];
        if self.is_x(i) { lifted(ty, self.steps) } else { ty.clone() }
    }

    /// Marks the carries that depend on marked operands in any step.
    #[inline]
    fn spread(&self, marks: &mut [bool]) {
        loop {
            let results = self.body.dependents(marks);
            let more: Vec<usize> = (0..self.carries).filter(|&c| results[c] && !marks[c]).collect();
            if more.is_empty() {
                return;
            }
            more.into_iter().for_each(|c| marks[c] = true);
        }
    }

    /// The carries before every step, of those that `y` does not have by a scan of their own.
    #[inline]
    fn before<'t>(&self, x: &[Var<'t>], y: Var<'t>) -> Vec<Var<'t>> {
        let parts = self.parts();
        let has = |c: usize| self.keep[c] == Keep::Every;
        let keep = |r: usize| if r < self.carries && !has(r) { Keep::Every } else { Keep::Nothing };
        let others = Self { keep: (0..self.keep.len()).map(keep).collect(), ..self.clone() };
        let others = others.record(y.tape(), x);
        let stack = |c: usize| match (&parts[c], &others[c]) {
            (Some(part), _) if has(c) => part.rows(y, 0..self.steps),
            (_, Some((flat, part))) => part.rows(*flat, 0..self.steps),
            _ => y,
        };
        (0..self.carries).map(stack).collect()
    }

    fn floats(&self, operands: Range<usize>) -> Vec<usize> {
        operands.filter(|&i| self.body.operands[i].dtype.is_float()).collect()
    }
}

impl Rule for Scan {
    fn name(&self) -> &'static str {
        "scan"
    }

    #[inline]
    fn lines(&self) -> Vec<String> {
        self.body.lines()
    }

    #[inline]
    fn takes_halves(&self) -> bool {
        true
    }

    fn infer(&self, x: &[&Type]) -> Result<Type> {
        expect("scan", x, (0..self.body.operands.len()).map(|i| self.operand(i)))?;
        Ok(Part::whole(&self.parts()))
    }

    #[inline]
    fn eval(&self, x: &[View], mut out: ViewMut) -> Result<()> {
        let parts = self.parts();
        // What a step gets; parts of what is gone over come later.
        let argument = |(i, x): (usize, &View)| if self.is_x(i) { zero(x.dtype()) } else { owned(*x) };
        let mut arguments: Vec<Tensor> = x.iter().enumerate().map(argument).collect::<Result<_>>()?;
        if self.is_apart() {
            return self.apart(x, &arguments, out);
        }
        for (r, part) in parts.iter().enumerate() {
            match (part, self.keep[r]) {
                (Some(part), Keep::Every) if r < self.carries => part.write(&mut out, 0, &arguments[r])?,
                (Some(part), Keep::Last) if r >= self.carries => part.clear(&mut out),
                _ => {}
            }
        }
        let mut answers = self.body.answers()?;
        self.body.run(|program| {
            for step in 0..self.steps {
                for i in self.carries..self.carries + self.xs {
                    arguments[i] = row(x[i], step)?;
                }
                let now: SmallVec<[&Tensor; 16]> = arguments.iter().collect();
                let outcome = program.run_into(&now, &mut answers);
                drop(now);
                outcome.map_err(|error| error.within(format_args!("scan: step {step}")))?;
                for (r, answer) in answers.iter().enumerate() {
                    let (Some(part), n) = (&parts[r], answer.numel()) else { continue };
                    match self.keep[r] {
                        Keep::Every if r < self.carries => part.write(&mut out, (step + 1) * n, answer)?,
                        Keep::Every => part.write(&mut out, step * n, answer)?,
                        _ if r >= self.carries => part.add(&mut out, step == 0, answer)?,
                        _ => {}
                    }
                }
                // The old carries' memory is for the next ones.
                arguments.iter_mut().zip(&mut answers).take(self.carries).for_each(|(c, answer)| swap(c, answer));
            }
            Ok(())
        })?;
        for (r, carry) in arguments.iter().enumerate().take(self.carries) {
            if let (Some(part), Keep::Last) = (&parts[r], self.keep[r]) {
                part.write(&mut out, 0, carry)?;
            }
        }
        Ok(())
    }

    #[inline]
    fn narrowed(&self, read: &[Range<usize>]) -> Option<Narrowed> {
        let parts = self.parts();
        // How many places at its beginning are lost of a carry of which only the last row is read.
        let lost = |r: usize, part: &Part| match self.keep[r] {
            Keep::Every if r < self.carries => {
                let before_last = self.steps * part.row_shape().numel();
                part.first_read(read).filter(|first| *first >= before_last).map(|_| before_last)
            }
            _ => None,
        };
        let keep = |r: usize| match &parts[r] {
            Some(part) if lost(r, part).is_some() => Keep::Last,
            Some(part) if part.first_read(read).is_some() => self.keep[r],
            _ => Keep::Nothing,
        };
        let keep: Vec<Keep> = (0..parts.len()).map(keep).collect();
        if keep == self.keep {
            return None;
        }
        let (scan, results, operands) = Self { keep, ..self.clone() }.pruned().ok()?;
        let old = results.iter().map(|&r| Some((parts[r].clone()?, lost(r, parts[r].as_ref()?).unwrap_or(0))));
        let both =
            old.zip(scan.parts()).filter_map(|(old, new)| old.zip(new).map(|((old, lost), new)| (old, new, lost)));
        let starts = moved(read, &both.collect::<Vec<_>>());
        Some(Narrowed { op: Custom::new(scan).into(), operands, starts })
    }

    #[inline]
    fn workspace(&self) -> usize {
        self.body.workspace()
    }

    #[inline]
    fn flops(&self, _: &[&Type], _: &Type) -> u64 {
        self.body.flops().saturating_mul(self.steps as u64)
    }

    #[inline]
    fn jvp<'t>(&self, x: &[Var<'t>], y: Var<'t>, dx: &[Option<Var<'t>>]) -> Option<Var<'t>> {
        if !y.dtype().is_float() {
            return None;
        }
        let mut varies: Vec<bool> = dx.iter().map(Option::is_some).collect();
        (0..self.carries).for_each(|c| varies[c] |= self.keep[c] != Keep::Nothing);
        self.spread(&mut varies);
        let moves =
            |range: Range<usize>| -> Vec<usize> { self.floats(range).into_iter().filter(|&i| varies[i]).collect() };
        let (first, n) = (self.carries + self.xs, x.len());
        let (dc, dxs, dk) = (moves(0..self.carries), moves(self.carries..first), moves(first..n));
        let order: Vec<(usize, bool)> = [(0..self.carries, &dc), (self.carries..first, &dxs), (first..n, &dk)]
            .into_iter()
            .flat_map(|(all, moving)| all.map(|i| (i, false)).chain(moving.iter().map(|&i| (i, true))))
            .collect();
        let operands: Vec<Type> = order.iter().map(|&(i, _)| self.body.operands[i].clone()).collect();
        let body = Body::build(&operands, &|tape, v| {
            let (mut x, mut dx) = (vec![None; n], vec![None; n]);
            for (&(i, tangent), &var) in order.iter().zip(v) {
                if tangent { dx[i] = Some(var) } else { x[i] = Some(var) }
            }
            let x: Vec<Var<'_>> = x.into_iter().flatten().collect();
            let ys = self.body.on(tape, &x);
            let dys = pushforward(&ys, &x, &dx);
            let there = |r: usize| dys[r].unwrap_or_else(|| ys[r].full_like(0.0));
            let carries = ys[..self.carries].iter().copied().chain(dc.iter().map(|&c| there(c)));
            carries.chain((self.carries..ys.len()).map(there)).collect()
        });
        let body = match body {
            Ok(body) => body,
            Err(error) => return Some(y.tape().fail(error)),
        };
        let results = self.keep[self.carries..].iter();
        let keep = vec![Keep::Nothing; self.carries]
            .into_iter()
            .chain(dc.iter().map(|&c| self.keep[c]))
            .chain(results.copied());
        let tangents = Self {
            steps: self.steps,
            carries: self.carries + dc.len(),
            xs: self.xs + dxs.len(),
            ys: self.ys,
            keep: keep.collect(),
            body,
        };
        let operand = |&(i, tangent): &(usize, bool)| match (tangent, dx[i]) {
            (true, Some(dx)) => dx,
            (true, None) => x[i].full_like(0.0),
            (false, _) => x[i],
        };
        let operands: Vec<Var<'t>> = order.iter().map(operand).collect();
        // What is kept is kept in the same order, so the flat vector of tangents is the tangent of the flat vector.
        match tangents.pruned() {
            Ok((scan, _, stay)) => {
                Some(y.tape().record(Custom::new(scan), &stay.iter().map(|&i| operands[i]).collect::<Vec<_>>()))
            }
            Err(error) => Some(y.tape().fail(error)),
        }
    }

    #[inline]
    fn vjp<'t>(&self, i: usize, x: &[Var<'t>], y: Var<'t>, ybar: Var<'t>) -> Option<Var<'t>> {
        self.vjps(x, y, ybar)?[i]
    }

    #[inline]
    fn vjps<'t>(&self, x: &[Var<'t>], y: Var<'t>, ybar: Var<'t>) -> Option<Vec<Option<Var<'t>>>> {
        let tape = y.tape();
        let (first, n) = (self.carries + self.xs, x.len());
        let (cs, xs, ks) = (self.floats(0..self.carries), self.floats(self.carries..first), self.floats(first..n));
        // The cotangent of what is kept of each result: all rows of a carry, those of a result, that of a sum.
        let bars = self.parts();
        let rows: Vec<usize> = (0..bars.len()).filter(|&r| self.keep[r] == Keep::Every).collect();
        let sums: Vec<usize> = (self.carries..bars.len()).filter(|&r| self.keep[r] == Keep::Last).collect();

        let result = |&r: &usize| self.body.results[r].clone();
        let operands: Vec<Type> = (cs.iter().map(result))
            .chain(self.body.operands[..first].iter().cloned())
            .chain(rows.iter().map(result))
            .chain(self.body.operands[first..].iter().cloned())
            .chain(sums.iter().map(result))
            .collect();
        // Which operands have a cotangent is known once the body is recorded.
        let reached = std::cell::RefCell::new(vec![false; n]);
        let body = Body::build(&operands, &|tape, v| {
            let (cbars, rest) = v.split_at(cs.len());
            let (inputs, rest) = rest.split_at(first);
            let (row_bars, rest) = rest.split_at(rows.len());
            let (constants, sum_bars) = rest.split_at(n - first);
            let x = [inputs, constants].concat();
            let ys = self.body.on(tape, &x);
            let later = cs.iter().zip(cbars).map(|(&c, &bar)| (ys[c], Some(bar)));
            let own = rows.iter().zip(row_bars).filter(|(r, _)| **r >= self.carries);
            let own = own.chain(sums.iter().zip(sum_bars)).map(|(&r, &bar)| (ys[r], Some(bar)));
            let (ys, ybars): (Vec<_>, Vec<_>) = later.chain(own).unzip();
            let bars = pullback(&ys, &ybars, &x);
            reached.borrow_mut().iter_mut().zip(&bars).for_each(|(reached, bar)| *reached = bar.is_some());
            let with_row = |&c: &usize| {
                let row = rows.iter().position(|&r| r == c).map(|k| row_bars[k]);
                let terms = [bars[c], row].into_iter().flatten();
                terms.reduce(|a, b| a + b).unwrap_or_else(|| x[c].full_like(0.0))
            };
            let there = |&i: &usize| bars[i].unwrap_or_else(|| x[i].full_like(0.0));
            cs.iter().map(with_row).chain(xs.iter().map(there)).chain(ks.iter().map(there)).collect()
        });
        let body = match body {
            Ok(body) => body,
            Err(error) => return Some(vec![Some(tape.fail(error)); n]),
        };
        let reached = reached.into_inner();
        let keep = |&i: &usize, keep: Keep| if reached[i] { keep } else { Keep::Nothing };
        let scan = Self {
            steps: self.steps,
            carries: cs.len(),
            xs: first + rows.len(),
            ys: xs.len(),
            keep: (cs.iter().map(|c| keep(c, Keep::Last)))
                .chain(xs.iter().map(|i| keep(i, Keep::Every)))
                .chain(ks.iter().map(|i| keep(i, Keep::Last)))
                .collect(),
            body,
        };

        // From the last step to the first: everything with a row for each step is turned round.
        let last = |&c: &usize| match (&bars[c], self.keep[c]) {
            (Some(bar), Keep::Every) => bar.row(ybar, self.steps),
            (Some(bar), _) => bar.of(ybar),
            (None, _) => x[c].full_like(0.0),
        };
        let every = |r: &usize| bars[*r].as_ref().map_or(ybar, |bar| bar.rows(ybar, 0..self.steps).flip(0));
        let sum = |r: &usize| bars[*r].as_ref().map_or(ybar, |bar| bar.of(ybar));
        let operands: Vec<Var<'t>> = (cs.iter().map(last))
            .chain(self.before(x, y).into_iter().map(|before| before.flip(0)))
            .chain(x[self.carries..first].iter().map(|x| x.flip(0)))
            .chain(rows.iter().map(every))
            .chain(x[first..].iter().copied())
            .chain(sums.iter().map(sum))
            .collect();
        let answers = scan.record(tape, &operands);
        let mut xbars = vec![None; n];
        for (&i, answer) in cs.iter().chain(&xs).chain(&ks).zip(answers) {
            let xbar = answer.map(|(flat, part)| part.of(flat));
            xbars[i] = if xs.contains(&i) { xbar.map(|xbar| xbar.flip(0)) } else { xbar };
        }
        if self.steps == 0 {
            // No step stands between a carry and its result, whatever the body does.
            cs.iter().filter(|&&c| bars[c].is_some()).for_each(|c| xbars[*c] = Some(last(c)));
        }
        Some(xbars)
    }

    #[inline]
    fn batch<'t>(&self, x: &[Var<'t>], batched: &[bool], n: usize) -> Var<'t> {
        let tape = x[0].tape();
        let mut marks = batched.to_vec();
        self.spread(&mut marks);
        let body = match self.body.batched(&marks, n) {
            Ok(body) => body,
            Err(error) => return tape.fail(error),
        };
        let depends = self.body.dependents(&marks);
        let operand = |i: usize| match (marks[i], batched[i]) {
            (true, false) => x[i].broadcast_to(x[i].shape().with_axis(0, n)),
            (true, true) if self.is_x(i) => x[i].transpose(0, 1),
            _ => x[i],
        };
        let operands: Vec<Var<'t>> = (0..x.len()).map(operand).collect();
        let answers = Self { body, ..self.clone() }.record(tape, &operands);
        let mut parts = Vec::with_capacity(answers.len());
        for (r, part) in answers.iter().enumerate() {
            let Some(part) = part.as_ref().map(|(flat, part)| part.of(*flat)) else { continue };
            let many = depends[r] || r < self.carries && marks[r];
            parts.push(match (many, self.keep[r]) {
                (true, Keep::Every) => part.transpose(0, 1),
                (true, _) => part,
                (false, _) => part.broadcast_to(part.shape().with_axis(0, n)),
            });
        }
        flatten(tape, &parts, n, &Part::whole(&self.parts()))
    }
}

impl std::fmt::Debug for Scan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let constants = self.body.operands.len() - self.carries - self.xs;
        write!(f, "Scan {{ steps: {}, carries: {}, constants: {constants} }}", self.steps, self.carries)
    }
}

/// What is at one index of the leading axis.
#[inline]
pub(super) fn row(x: View, i: usize) -> Result<Tensor> {
    let mut ranges: Vec<SliceRange> = x.shape().iter().map(|&n| SliceRange::all(n)).collect();
    ranges[0] = SliceRange { start: i, stop: i + 1, step: 1 };
    let layout: Layout = x.layout().slice(&ranges);
    owned(x.through(&layout)?)?.select_axis(0, 0)
}
