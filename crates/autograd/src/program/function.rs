//! [`compile`]: functions that are recorded once.

use std::fmt;
use std::panic::Location;

use wengert_tensor::{Result, Tensor};

use super::{Compiled, Profile};
use crate::tape::{Tape, Var};
use crate::ty::Type;

/// No more programs than this are kept of one function: arguments of more types should be padded.
const PROGRAMS: usize = 16;

/// A function that is recorded once for every types of its arguments: see [`compile`].
pub struct CompiledFunction<F, const N: usize, const M: usize> {
    f: F,
    /// The last one that ran comes last.
    programs: Vec<Compiled>,
}

/// The function `f` of tensors, to be recorded and planned when it is first run, and replayed afterwards.
///
/// It takes an array of variables and returns one. What else it uses, tensors and
/// parameters of a model among it, stays as it was when it was recorded; that happens once for every combination of
/// dtypes and shapes of its arguments. While it is recorded its arguments have no values: to ask for one is an error.
///
/// ```
/// use wengert_autograd::compile;
/// use wengert_tensor::Tensor;
///
/// let mut f = compile(|[w, x]| {
///     let y = (w * x).sin().sum();
///     [y, y.grad(w)]
/// });
/// let (w, x) = (Tensor::from([0.0, 0.0]), Tensor::from([1.0, 2.0]));
/// let [y, dw] = f.run([&w, &x])?;
/// assert_eq!((y, dw), (Tensor::from(0.0), x));
/// # Ok::<(), wengert_tensor::Error>(())
/// ```
#[doc(alias = "jit")]
pub fn compile<F, const N: usize, const M: usize>(f: F) -> CompiledFunction<F, N, M>
where
    F: for<'t> Fn([Var<'t>; N]) -> [Var<'t>; M],
{
    CompiledFunction { f, programs: Vec::new() }
}

impl<F, const N: usize, const M: usize> CompiledFunction<F, N, M>
where
    F: for<'t> Fn([Var<'t>; N]) -> [Var<'t>; M],
{
    /// The answers for these arguments.
    ///
    /// # Errors
    /// The first mistake that the function makes on the tape, and what a kernel refuses, with the line of its equation.
    #[track_caller]
    pub fn run(&mut self, arguments: [&Tensor; N]) -> Result<[Tensor; M]> {
        let mut answers = [const { None }; M];
        let values = self.program(arguments)?.run(&arguments)?;
        answers.iter_mut().zip(values).for_each(|(answer, value)| *answer = Some(value));
        Ok(answers.map(|answer| answer.expect("a program has as many answers as it was compiled for")))
    }

    /// As [`run`](Self::run), with the answers in place of earlier ones, whose memory is used again: see
    /// [`Compiled::run_into`].
    ///
    /// # Errors
    /// As [`run`](Self::run).
    #[track_caller]
    pub fn run_into(&mut self, arguments: [&Tensor; N], answers: &mut [Tensor; M]) -> Result<()> {
        self.program(arguments)?.run_into(&arguments, answers)
    }

    /// The time that each step of the program for these arguments takes: see [`Compiled::profile`].
    ///
    /// # Errors
    /// As [`run`](Self::run); no runs at all.
    #[track_caller]
    pub fn profile(&mut self, arguments: [&Tensor; N], runs: usize) -> Result<Profile> {
        self.program(arguments)?.profile(&arguments, runs)
    }

    /// The program for arguments like these, which need not be its arguments: to look at its plan, or to run it without
    /// a search for it.
    ///
    /// # Errors
    /// The first mistake that the function makes on the tape.
    #[track_caller]
    pub fn program(&mut self, arguments: [&Tensor; N]) -> Result<&mut Compiled> {
        let at = Location::caller();
        match self.programs.iter().rposition(|program| program.takes(&arguments)) {
            Some(known) => self.programs[known..].rotate_left(1),
            None => {
                let tape = Tape::new();
                // Recorded without values: a function that asks for one would be right for these arguments alone.
                let inputs =
                    tape.originating(at, || arguments.map(|x| tape.placeholder(Type::new(x.dtype(), x.shape()))));
                let answers = (self.f)(inputs);
                inputs.iter().zip(arguments).for_each(|(input, x)| tape.know(*input, x));
                let program = tape.compile(&inputs, &answers)?;
                if self.programs.len() == PROGRAMS {
                    self.programs.remove(0);
                }
                self.programs.push(program);
            }
        }
        let last = self.programs.len() - 1;
        Ok(&mut self.programs[last])
    }
}

impl<F, const N: usize, const M: usize> fmt::Debug for CompiledFunction<F, N, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a function of {N} arguments with {M} answers, compiled for {} types", self.programs.len())
    }
}
