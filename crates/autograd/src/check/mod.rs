//! Checks that derivatives are right, for a function of one's own: [`gradcheck`] and [`gradgradcheck`].
//!
//! The derivatives that the rules make are compared with [`differences`] of values. They are said to
//! agree where they differ by no more than
//!
//! | dtype | of the larger, or of the argument's largest gradient | of the value |
//! |---|---|---|
//! | `f64` | 1e-7 | 1e-11 |
//! | `f32` | 5e-3 | 1e-4 |
//!
//! The second allows for what rounding the value does to differences. A function must be smooth
//! within a small step about the point: at a kink no difference is right.
//!
//! Functions here are `#[inline]` so that only programs that use them pay for compiling them.

mod differences;

use std::ops::Range;
use std::panic::Location;

use wengert_tensor::{DType, Error, Result, Rng, Shape, Tensor};

use self::differences::numbers;
pub use self::differences::{Flat, Measured, differences};
use crate::tape::{Tape, Var};
use crate::transform::{Function, Tensors, pullback, pushforward};

/// Up to this many elements of an argument are varied one by one.
const EVERY: usize = 64;
/// Along so many random directions a larger argument is varied.
const DIRECTIONS: u64 = 6;

/// What a check that found no mistake has done.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Report {
    /// How many derivatives were compared.
    pub compared: usize,
    /// The largest difference, as a part of what is allowed: at most 1.
    pub worst: f64,
}

/// Checks the first derivatives of a function, in both modes, at tensors.
///
/// A result that is not a single number is multiplied by a fixed random cotangent. Every element of
/// an argument is varied where there are up to 64, else random projections of it: where one is off, the element
/// is found by halving. Arguments that are not floats stay as they are.
///
/// ```
/// use wengert_autograd::gradcheck;
/// use wengert_tensor::Tensor;
///
/// let (x, w) = (Tensor::from([[0.5, -1.0]]), Tensor::from([[2.0], [0.25]]));
/// assert!(gradcheck(|[x, w]| x.matmul(w).tanh(), [&x, &w])?.worst <= 1.0);
///
/// let error = gradcheck(|x| x * x.detach(), &Tensor::from([3.0])).unwrap_err();
/// assert!(error.to_string().starts_with("gradcheck: element [0] of argument 0: "), "{error}");
/// # Ok::<(), wengert_tensor::Error>(())
/// ```
///
/// # Errors
/// [`ErrorKind::Gradient`](wengert_tensor::ErrorKind::Gradient), naming the element of the argument, both
/// numbers, and by how much they are off; the mistakes that the function makes.
#[track_caller]
pub fn gradcheck<'a, A: Tensors<'a>>(f: impl for<'t> Function<A::Vars<'t>, A::Var<'t>>, at: A) -> Result<Report> {
    let line = Location::caller();
    let outcome = at.flat(f, |f, x| check("gradcheck", f, x));
    outcome.map_err(|error| error.at(line))
}

/// Checks the second derivatives: those of a function's pullback, by its arguments and by the
/// cotangent, which is the last argument in an error. Otherwise as [`gradcheck`], whose part it does not do.
///
/// ```
/// use wengert_autograd::gradgradcheck;
/// use wengert_tensor::Tensor;
///
/// gradgradcheck(|x| (x * x).sum().ln(), &Tensor::from([1.0, 2.0, 3.0]))?;
/// # Ok::<(), wengert_tensor::Error>(())
/// ```
///
/// # Errors
/// As [`gradcheck`].
#[track_caller]
pub fn gradgradcheck<'a, A: Tensors<'a>>(f: impl for<'t> Function<A::Vars<'t>, A::Var<'t>>, at: A) -> Result<Report> {
    let line = Location::caller();
    let outcome = at.flat(f, |f, x| {
        let value = value(f, x)?;
        let mut arguments = x.to_vec();
        arguments.push(random(&value, 0)?);
        let weights: Vec<Tensor> = x.iter().zip(1..).map(|(x, seed)| random(x, seed)).collect::<Result<_>>()?;
        // One number that depends on every element of every cotangent.
        let bars: Flat<'_> = &|v| {
            let Some((&ybar, x)) = v.split_last() else { unreachable!("a cotangent is the last argument") };
            let floats: Vec<usize> = (0..x.len()).filter(|&i| x[i].dtype().is_float()).collect();
            let bars = pullback(&[f(x)], &[Some(ybar)], &floats.iter().map(|&i| x[i]).collect::<Vec<_>>());
            let terms = bars.iter().zip(&floats).filter_map(|(bar, &i)| Some((*bar)? * ybar.tape().input(&weights[i])));
            terms.map(|term| term.sum()).reduce(|a, b| a + b).unwrap_or_else(|| ybar.sum() * 0.0)
        };
        check("gradgradcheck", bars, &arguments)
    });
    outcome.map_err(|error| error.at(line))
}

#[inline]
fn value(f: Flat<'_>, x: &[Tensor]) -> Result<Tensor> {
    let tape = Tape::new();
    f(&inputs(&tape, x)).value()
}

#[inline]
fn inputs<'t>(tape: &'t Tape, x: &[Tensor]) -> Vec<Var<'t>> {
    x.iter().map(|x| tape.input(x)).collect()
}

/// A fixed random tensor of the same type; zeros where that is no float.
#[inline]
fn random(like: &Tensor, seed: u64) -> Result<Tensor> {
    match like.dtype().is_float() {
        true => Tensor::randn(like.shape(), like.dtype(), &mut Rng::seed(seed)),
        false => Tensor::zeros(like.shape(), like.dtype()),
    }
}

/// Checks <ybar, f(x)> for a random ybar.
#[inline]
fn check(name: &'static str, f: Flat<'_>, x: &[Tensor]) -> Result<Report> {
    let value = value(f, x)?;
    if !value.dtype().is_float() {
        let (dtype, shape) = (value.dtype(), value.shape());
        return Err(Error::gradient(format!("{name}: a result of {dtype}{shape} has no derivative")));
    }
    let ybar = random(&value, 100)?;
    let scalar: Flat<'_> = &|v| {
        let y = f(v);
        (y * y.tape().input(&ybar)).sum()
    };
    let tape = Tape::new();
    let vars = inputs(&tape, x);
    let y = scalar(&vars);
    let bar = |(bar, x): (Option<Var<'_>>, &Tensor)| match bar {
        Some(bar) => bar.value().and_then(|bar| numbers(&bar)),
        None => Ok(vec![0.0; x.numel()]),
    };
    let bars = pullback(&[y], &[Some(y.full_like(1.0))], &vars);
    let bars = bars.into_iter().zip(x).map(bar).collect::<Result<Vec<_>>>()?;
    let narrow = x.iter().chain([&value]).any(|x| x.dtype() == DType::F32);
    let (relative, rounding) = if narrow { (5e-3, 1e-4) } else { (1e-7, 1e-11) };
    // What rounding the value may do to a difference, before cancellation in the sum over ybar.
    let size = numbers(&value)?.iter().zip(numbers(&ybar)?).map(|(y, ybar)| (y * ybar).abs()).sum::<f64>();
    let report = Report { compared: 0, worst: 0.0 };
    let mut check = Check { name, f: scalar, x, bars, relative, absolute: rounding * size, report };
    check.modes_agree(y, &vars)?;
    for i in (0..x.len()).filter(|&i| x[i].dtype().is_float()) {
        check.argument(i)?;
    }
    Ok(check.report)
}

/// A check under way.
struct Check<'a> {
    name: &'static str,
    /// A single number.
    f: Flat<'a>,
    x: &'a [Tensor],
    /// Its gradient by each argument, as the rules say.
    bars: Vec<Vec<f64>>,
    relative: f64,
    absolute: f64,
    report: Report,
}

impl Check<'_> {
    /// The tangent along a random direction is the gradient's product with it.
    #[inline]
    fn modes_agree(&mut self, y: Var<'_>, vars: &[Var<'_>]) -> Result<()> {
        let dx: Vec<Tensor> = self.x.iter().zip(200..).map(|(x, seed)| random(x, seed)).collect::<Result<_>>()?;
        let tangent = |dx: &Tensor| dx.dtype().is_float().then(|| y.tape().input(dx));
        let forward = match pushforward(&[y], vars, &dx.iter().map(tangent).collect::<Vec<_>>())[0] {
            Some(dy) => dy.item()?,
            None => 0.0,
        };
        let (mut reverse, mut size) = (0.0, 0.0);
        for (bar, dx) in self.bars.iter().zip(&dx).filter(|(_, dx)| dx.dtype().is_float()) {
            for (bar, dx) in bar.iter().zip(numbers(dx)?) {
                reverse += bar * dx;
                size += (bar * dx).abs();
            }
        }
        if !self.agree(forward, reverse, size) {
            let name = self.name;
            let sentence =
                format!("{name}: along one direction forward mode says {forward} and reverse mode {reverse}");
            return Err(Error::gradient(sentence));
        }
        Ok(())
    }

    #[inline]
    fn argument(&mut self, i: usize) -> Result<()> {
        let n = self.x[i].numel();
        if n <= EVERY {
            return (0..n).try_for_each(|k| self.compare(i, k..k + 1, &vec![1.0; n]).map(|_| ()));
        }
        for seed in 0..DIRECTIONS {
            let direction = numbers(&random(&self.x[i], 300 + seed)?)?;
            self.compare(i, 0..n, &direction)?;
        }
        Ok(())
    }

    /// Compares along the part of `direction` that is within `range` of the elements of argument `i`.
    #[inline]
    fn compare(&mut self, i: usize, range: Range<usize>, direction: &[f64]) -> Result<()> {
        let part = |k: usize| if range.contains(&k) { direction[k] } else { 0.0 };
        let mut dx: Vec<Tensor> =
            self.x.iter().map(|x| Tensor::zeros(x.shape(), x.dtype())).collect::<Result<Vec<_>>>()?;
        let x = &self.x[i];
        dx[i] = Tensor::from_vec((0..x.numel()).map(part).collect::<Vec<_>>(), x.shape())?.cast(x.dtype())?;
        let measured = differences(self.f, self.x, &dx)?;
        let numeric = measured.derivative.first().copied().unwrap_or(0.0);
        let analytic: f64 = range.clone().map(|k| self.bars[i][k] * direction[k]).sum();
        let largest = self.bars[i].iter().fold(0.0, |m: f64, bar| bar.abs().max(m));
        if self.agree(analytic, numeric, largest) {
            return Ok(());
        }
        if range.len() > 1 {
            let middle = range.start + range.len() / 2;
            self.compare(i, range.start..middle, direction)?;
            self.compare(i, middle..range.end, direction)?;
        }
        let place = match range.len() {
            1 => format!("element {}", Shape::from(index(range.start, x.shape()))),
            _ => format!("elements {} to {} together", range.start, range.end - 1),
        };
        let (name, off, error) = (self.name, (analytic - numeric).abs(), measured.error);
        Err(Error::gradient(format!(
            "{name}: {place} of argument {i}: the derivative is {analytic} and central differences \
             say {numeric} ± {error:.0e}: off by {off:.3e}"
        )))
    }

    /// Whether two numbers agree, for terms of a size; counts the comparison.
    #[inline]
    fn agree(&mut self, a: f64, b: f64, size: f64) -> bool {
        let allowed = self.relative * size.max(a.abs()).max(b.abs()) + self.absolute;
        let part = if a == b { 0.0 } else { (a - b).abs() / allowed };
        self.report.compared += 1;
        self.report.worst = self.report.worst.max(part);
        part <= 1.0
    }
}

/// The index of the element at a place in row-major order.
#[inline]
fn index(mut place: usize, shape: &Shape) -> Vec<usize> {
    let mut index = vec![0; shape.rank()];
    for (axis, &size) in shape.iter().enumerate().rev() {
        index[axis] = place % size;
        place /= size;
    }
    index
}
