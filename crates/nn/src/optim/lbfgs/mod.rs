//! [`Lbfgs`]: quasi-Newton steps for smooth losses on all data at once.
//!
//! Always true: a step that fails has changed no parameter; the loss after a step is not above the one before.

mod memory;
mod search;
mod state;

use std::panic::Location;

use wengert_autograd::transform::{Function, Tensors};
use wengert_autograd::{Tape, Var};
use wengert_tensor::{DType, Error, Result, Tensor};

use memory::{Memory, dot, largest};
use search::{Bounds, Point, search};

use super::not_negative;
use crate::module::Module;
use crate::param::Param;

/// L-BFGS with a line search for the strong Wolfe conditions, iteration for iteration as PyTorch does it (J. Nocedal and
/// S. Wright, "Numerical optimization", 2nd edition, 2006, chapters 3 and 7).
///
/// It asks for the loss several times a step, at other parameters each time, so the loss must be the same function every
/// time: over all data rather than batches, and without dropout. The tape that the closure gets is therefore not
/// [for training](Tape::is_training), and buffers stay as they are. Parameters that are frozen keep their values.
///
/// ```
/// use wengert_nn::{Activation, Layer, Lbfgs, Mlp, loss::mse};
/// use wengert_tensor::{Rng, Tensor};
///
/// let x = Tensor::from([[0f32, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]);
/// let y = Tensor::from([[0f32], [1.0], [1.0], [0.0]]);
/// let mlp = Mlp::new(&[2, 4, 1], Activation::Sigmoid, &mut Rng::seed(1))?;
///
/// let mut lbfgs = Lbfgs::new().history(20);
/// while !lbfgs.has_converged() && lbfgs.evaluations() < 500 {
///     lbfgs.step(&mlp, |t| mse(mlp.forward(t.input(&x)), t.input(&y)))?;
/// }
/// assert!(mlp.predict(&x)?.allclose(&y, 0.0, 0.1)?);
/// # Ok::<(), wengert_tensor::Error>(())
/// ```
///
/// [`minimize`](Self::minimize) does the same to the arguments of any function.
#[derive(Debug, Clone)]
#[doc(alias = "LBFGS")]
pub struct Lbfgs {
    lr: f64,
    history: usize,
    iterations: usize,
    evaluations: Option<usize>,
    flat_gradient: f64,
    little_change: f64,
    state: State,
}

/// What is kept from step to step.
#[derive(Debug, Clone, Default)]
struct State {
    memory: Memory,
    /// The last gradient that a direction was made of, and the step that was made along it.
    last: Option<(Vec<f64>, Vec<f64>)>,
    /// Whose the numbers are; None where nobody came yet.
    keys: Option<Vec<u64>>,
    evaluations: usize,
    converged: bool,
}

/// What [`Lbfgs::minimize`] finds.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Minimum<X> {
    /// Where the function is smallest: a tensor for each argument.
    pub x: X,
    /// Its value there.
    pub value: f64,
    /// How often it was evaluated.
    pub evaluations: usize,
    /// Whether it ended because the gradient, or what changed, was too small to go on; else the steps were too few.
    pub converged: bool,
}

impl Default for Lbfgs {
    fn default() -> Self {
        Self {
            lr: 1.0,
            history: 10,
            iterations: 20,
            evaluations: None,
            flat_gradient: 1e-7,
            little_change: 1e-9,
            state: State::default(),
        }
    }
}

/// The user's.
type Line = &'static Location<'static>;

/// A function of a flat list of numbers, and its gradient.
type Objective<'f> = &'f mut dyn FnMut(&[f64]) -> Result<(f64, Vec<f64>)>;

impl Lbfgs {
    /// No more steps than this are made by [`minimize`](Self::minimize).
    const STEPS: usize = 1000;

    /// With a history of 10, up to 20 iterations a step, and line searches that start from 1.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same that remembers so many iterations; each takes twice the memory of the parameters, in f64.
    #[doc(alias = "history_size")]
    pub fn history(self, history: usize) -> Self {
        Self { history, ..self }
    }

    /// The same with up to so many iterations a step: directions that are searched.
    #[doc(alias = "max_iter")]
    pub fn iterations(self, iterations: usize) -> Self {
        Self { iterations, ..self }
    }

    /// The same that asks for the loss about so often a step, which is 5/4 of the iterations otherwise.
    #[doc(alias = "max_eval")]
    pub fn most_evaluations(self, evaluations: usize) -> Self {
        Self { evaluations: Some(evaluations), ..self }
    }

    /// The same with line searches that try this multiple of the direction first.
    pub fn lr(self, lr: f64) -> Self {
        Self { lr, ..self }
    }

    /// The same with other bounds for having converged: all elements of the gradient are below the first, 1e-7 otherwise;
    /// or an iteration changes all parameters, or the loss, by less than the second, 1e-9 otherwise.
    #[doc(alias("tolerance_grad", "tolerance_change"))]
    pub fn tolerances(self, gradient: f64, change: f64) -> Self {
        Self { flat_gradient: gradient, little_change: change, ..self }
    }

    /// One step on the parameters of `module` that are not frozen: several iterations. Returns the loss from before it.
    ///
    /// # Errors
    /// What goes wrong on the tape; a parameter that no gradient reaches; a loss that is not a single float; a loss or a
    /// gradient that is NaN or infinite, at the parameters or everywhere that was tried along the line
    /// ([`ErrorKind::NonFinite`](wengert_tensor::ErrorKind::NonFinite)); hyper-parameters out of range. Parameters are then
    /// as they were before the step.
    #[track_caller]
    pub fn step(&mut self, module: &(impl Module + ?Sized), loss: impl for<'t> Fn(&'t Tape) -> Var<'t>) -> Result<f64> {
        self.check()?;
        let mut params: Vec<(String, Param)> = module.params().into_iter().collect();
        params.retain(|(_, param)| !param.is_frozen());
        let keys: Vec<u64> = params.iter().map(|(_, param)| param.key()).collect();
        if self.state.keys.get_or_insert_with(|| keys.clone()) != &keys {
            self.state = State { keys: Some(keys), ..State::default() };
        }
        self.step_params(&params, &loss, Location::caller())
    }

    fn step_params(
        &mut self,
        params: &[(String, Param)],
        loss: &dyn for<'t> Fn(&'t Tape) -> Var<'t>,
        line: Line,
    ) -> Result<f64> {
        let before: Vec<Tensor> = params.iter().map(|(_, param)| param.value()).collect();
        let set = |values: Vec<Tensor>| params.iter().zip(values).for_each(|((_, param), value)| param.replace(value));
        let outcome = self.advance(flat(&before)?, &mut |x| {
            set(unflat(x, &before)?);
            let tape = Tape::new();
            let loss = loss(&tape);
            let on_tape = |(name, param): &(String, Param)| {
                let lost =
                    || Error::gradient(format!("lbfgs: the loss does not depend on {name}; freeze it if it is meant"));
                param.found_on(&tape).ok_or_else(|| tape.first_error().unwrap_or_else(|| lost().at(line)))
            };
            let xs = params.iter().map(on_tape).collect::<Result<Vec<_>>>()?;
            loss_and_gradient(&tape, loss, &xs, line)
        });
        let end = outcome.and_then(|(first, here)| Ok((first, unflat(&here.x, &before)?)));
        match end {
            Ok((first, after)) => {
                set(after);
                Ok(first)
            }
            Err(error) => {
                set(before);
                Err(error)
            }
        }
    }

    /// Minimises a function of one or several tensors, that returns a single float, from `at`: the least squares of a curve,
    /// say. Steps are made until they converge. What was remembered of other steps is not used.
    ///
    /// ```
    /// use wengert_nn::Lbfgs;
    /// use wengert_tensor::Tensor;
    ///
    /// // A decay a e^(-b x), from measurements.
    /// let x = Tensor::from([0.0, 1.0, 2.0, 3.0]);
    /// let y = Tensor::from([2.0, 1.0, 0.5, 0.25]);
    /// let fit = Lbfgs::new().minimize(
    ///     |[a, b]| (a * (-b * a.tape().input(&x)).exp() - a.tape().input(&y)).square().sum(),
    ///     [&Tensor::from(1.0), &Tensor::from(1.0)],
    /// )?;
    /// let [a, b] = fit.x;
    /// assert!(fit.converged);
    /// assert!((a.item()? - 2.0).abs() < 1e-4 && (b.item()? - 2f64.ln()).abs() < 1e-4);
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`step`](Self::step).
    #[track_caller]
    pub fn minimize<'a, A: Tensors<'a>>(
        &self,
        f: impl for<'t> Function<A::Vars<'t>, A::Var<'t>>,
        at: A,
    ) -> Result<Minimum<A::Each<Tensor>>> {
        let line = Location::caller();
        let Minimum { x, value, evaluations, converged } = at.flat(f, |f, at| self.minimize_flat(f, at, line))?;
        let x = A::each(&mut x.into_iter().map(Some), usize::MAX);
        let x = x.ok_or_else(|| Error::value("lbfgs: a function of no arguments has no minimum"))?;
        Ok(Minimum { x, value, evaluations, converged })
    }

    fn minimize_flat(
        &self,
        f: &dyn for<'t> Fn(&[Var<'t>]) -> Var<'t>,
        at: &[Tensor],
        line: Line,
    ) -> Result<Minimum<Vec<Tensor>>> {
        self.check()?;
        let mut lbfgs = Self { state: State::default(), ..self.clone() };
        let (mut x, mut value) = (flat(at)?, f64::NAN);
        for _ in 0..Self::STEPS {
            let (_, here) = lbfgs.advance(x, &mut |x| {
                let (tape, xs) = (Tape::new(), unflat(x, at)?);
                let xs: Vec<Var<'_>> = tape.originating(line, || xs.iter().map(|x| tape.input(x)).collect());
                loss_and_gradient(&tape, f(&xs), &xs, line)
            })?;
            (x, value) = (here.x, here.loss);
            if lbfgs.state.converged {
                break;
            }
        }
        let State { evaluations, converged, .. } = lbfgs.state;
        Ok(Minimum { x: unflat(&x, at)?, value, evaluations, converged })
    }

    /// How often the loss was asked for, in all steps.
    pub fn evaluations(&self) -> usize {
        self.state.evaluations
    }

    /// Whether the last step ended because there was nothing left to do: the gradient, or what it changed, was too small.
    pub fn has_converged(&self) -> bool {
        self.state.converged
    }

    fn check(&self) -> Result<()> {
        for (name, value) in [
            ("lr", self.lr),
            ("tolerance of gradients", self.flat_gradient),
            ("tolerance of change", self.little_change),
        ] {
            not_negative("lbfgs", name, value)?;
        }
        match self.history == 0 || self.iterations == 0 || self.evaluations == Some(0) {
            true => Err(Error::value("lbfgs: history, iterations and evaluations must be 1 at least")),
            false => Ok(()),
        }
    }

    /// One step: from a point to a better one, and the loss at the first.
    fn advance(&mut self, x: Vec<f64>, objective: Objective<'_>) -> Result<(f64, Here)> {
        let most = self.evaluations.unwrap_or(self.iterations.saturating_mul(5) / 4);
        let (loss, gradient) = objective(&x)?;
        self.state.evaluations += 1;
        if !is_finite(loss, &gradient) {
            let what = format!("lbfgs: the loss is {loss}, or its gradient is not finite, before the step");
            return Err(Error::non_finite(what));
        }
        let mut here = Here { x, loss, gradient };
        self.state.converged = largest(&here.gradient) <= self.flat_gradient;
        let (mut iterations, mut left) = (0, most.saturating_sub(1).max(1));
        while !self.state.converged && iterations < self.iterations && left > 0 {
            let before = self.state.evaluations;
            self.iterate(&mut here, left, objective)?;
            left = left.saturating_sub(self.state.evaluations - before);
            iterations += 1;
        }
        Ok((loss, here))
    }

    /// One iteration: a direction, and a search along it. Where that fails, the next one starts afresh.
    fn iterate(&mut self, here: &mut Here, most: usize, objective: Objective<'_>) -> Result<()> {
        let state = &mut self.state;
        let try_first = match state.last.take().filter(|(old, _)| old.len() == here.x.len()) {
            Some((old, step)) => {
                let change = here.gradient.iter().zip(&old).map(|(new, old)| new - old).collect();
                state.memory.remember(step, change, self.history);
                self.lr
            }
            None => {
                state.memory.clear();
                (1.0 / here.gradient.iter().map(|g| g.abs()).sum::<f64>()).min(1.0) * self.lr
            }
        };
        let direction = state.memory.direction(&here.gradient);
        let slope = dot(&here.gradient, &direction);
        if slope > -self.little_change {
            state.last = Some((here.gradient.clone(), vec![0.0; here.x.len()]));
            state.converged = true;
            return Ok(());
        }
        let start = Point { t: 0.0, loss: here.loss, slope, gradient: here.gradient.clone() };
        let bounds = Bounds { most, shortest: self.little_change / largest(&direction) };
        let mut found_any = false;
        let end = search(&start, try_first, &bounds, &mut |t| {
            let there: Vec<f64> = here.x.iter().zip(&direction).map(|(x, d)| x + t * d).collect();
            let (loss, gradient) = objective(&there)?;
            state.evaluations += 1;
            let finite = is_finite(loss, &gradient);
            found_any |= finite;
            let (loss, slope) = if finite { (loss, dot(&gradient, &direction)) } else { (f64::INFINITY, f64::NAN) };
            Ok(Point { t, loss, slope, gradient })
        })?;
        if !found_any {
            return Err(Error::non_finite("lbfgs: the loss is not finite anywhere that was tried along the line"));
        }
        let step: Vec<f64> = direction.iter().map(|d| end.t * d).collect();
        here.x.iter_mut().zip(&step).for_each(|(x, step)| *x += step);
        state.converged = largest(&end.gradient) <= self.flat_gradient
            || largest(&step) <= self.little_change
            || (end.loss - here.loss).abs() < self.little_change;
        state.last = Some((start.gradient, step));
        (here.loss, here.gradient) = (end.loss, end.gradient);
        Ok(())
    }
}

/// Where the parameters are, and the loss there.
struct Here {
    x: Vec<f64>,
    loss: f64,
    gradient: Vec<f64>,
}

fn is_finite(loss: f64, gradient: &[f64]) -> bool {
    loss.is_finite() && gradient.iter().all(|g| g.is_finite())
}

fn loss_and_gradient<'t>(tape: &'t Tape, loss: Var<'t>, xs: &[Var<'t>], line: Line) -> Result<(f64, Vec<f64>)> {
    if !std::ptr::eq(tape, loss.tape()) {
        return Err(Error::tape("lbfgs: the loss is on another tape than the one that was given for it").at(line));
    }
    let gradients = tape.originating(line, || loss.grads(xs));
    let wanted: Vec<Var<'t>> = [loss].into_iter().chain(gradients).collect();
    let values = tape.finish(&wanted)?;
    Ok((values[0].item()?, flat(&values[1..])?))
}

/// All elements, one tensor's after another's.
fn flat(tensors: &[Tensor]) -> Result<Vec<f64>> {
    let mut all = Vec::with_capacity(tensors.iter().map(Tensor::numel).sum());
    for tensor in tensors {
        all.extend(tensor.cast(DType::F64)?.iter::<f64>()?);
    }
    Ok(all)
}

/// Tensors like these with other elements.
fn unflat(mut all: &[f64], like: &[Tensor]) -> Result<Vec<Tensor>> {
    let mut take = |like: &Tensor| {
        let (own, rest) = all.split_at(like.numel().min(all.len()));
        all = rest;
        Tensor::from_vec(own.to_vec(), like.shape())?.cast(like.dtype())
    };
    like.iter().map(&mut take).collect()
}
