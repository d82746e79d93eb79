//! [`Compiled`]: a program in the user's hands, for loops where even recording counts.

use std::fmt;

use wengert_tensor::{Error, Result, Tensor};

use super::cache::{from_start, no_placeholder};
use super::graph::Graph;
use super::{Program, Step};
use crate::op::Op;
use crate::tape::{Tape, Var};
use crate::ty::Type;

/// A computation recorded and planned once, to be run again and again on other inputs.
///
/// It prints as its plan: what runs together, and the memory it takes.
///
/// ```
/// use wengert_autograd::Tape;
/// use wengert_tensor::Tensor;
///
/// let tape = Tape::new();
/// let x = tape.input(&Tensor::from([1.0, 2.0]));
/// let y = (x * x).sum();
/// let mut program = tape.compile(&[x], &[y, y.grad(x)])?;
///
/// let answers = program.run(&[&Tensor::from([3.0, 4.0])])?;
/// assert_eq!(answers, [Tensor::from(25.0), Tensor::from([6.0, 8.0])]);
/// # Ok::<(), wengert_tensor::Error>(())
/// ```
#[derive(Debug)]
pub struct Compiled {
    program: Program,
    /// The types of the arguments, in their order.
    types: Vec<Type>,
    /// For each input of the program the argument that it is, or else what the tape had.
    inputs: Vec<Bound>,
}

#[derive(Debug)]
enum Bound {
    Argument(usize),
    Value(Tensor),
}

impl Compiled {
    /// The answers for other arguments, of the types that were there when it was compiled.
    ///
    /// # Errors
    /// Arguments of other types or number, and what a kernel refuses, with the line of its equation.
    pub fn run(&mut self, arguments: &[&Tensor]) -> Result<Vec<Tensor>> {
        if arguments.len() != self.types.len() {
            let (given, taken) = (arguments.len(), self.types.len());
            return Err(Error::value(format!("run: {given} arguments for a program of {taken}")));
        }
        for (i, (argument, ty)) in arguments.iter().zip(&self.types).enumerate() {
            if argument.dtype() != ty.dtype || *argument.shape() != ty.shape {
                let (dtype, shape) = (argument.dtype(), argument.shape());
                return Err(Error::shape(format!("run: argument {i} is {dtype}{shape}, and was {ty} when compiled")));
            }
        }
        let inputs = self.inputs.iter().map(|bound| match bound {
            Bound::Argument(i) => from_start(arguments[*i]),
            Bound::Value(value) => Ok(value.clone()),
        });
        let inputs: Vec<Tensor> = inputs.collect::<Result<_>>()?;
        self.program.run(&inputs.iter().collect::<Vec<_>>())
    }
}

impl Tape {
    /// What computes `outputs` from `inputs`, as a program of its own. Other inputs of the tape keep the values
    /// that they have now.
    ///
    /// # Errors
    /// The first mistake made on the way to the outputs; an input that was computed.
    pub fn compile(&self, inputs: &[Var<'_>], outputs: &[Var<'_>]) -> Result<Compiled> {
        let (arguments, outputs) = (self.ids(inputs)?, self.ids(outputs)?);
        let mut inner = self.inner.borrow_mut();
        inner.reach(&outputs);
        no_placeholder(&inner)?;
        if let Some(id) = arguments.iter().find(|id| !matches!(inner.eqns[id.index()].op, Op::Input(_))) {
            let name = inner.eqns[id.index()].op.rule().name();
            return Err(Error::tape(format!("compile: {id} is no input but the result of {name}")));
        }
        let bound = inner.order.iter().filter_map(|&i| {
            let value = inner.values[i].as_ref()?;
            Some(match arguments.iter().position(|id| id.index() == i) {
                Some(argument) => Ok(Bound::Argument(argument)),
                None => from_start(value).map(Bound::Value),
            })
        });
        let inputs = bound.collect::<Result<_>>()?;
        let types = arguments.iter().map(|id| inner.eqns[id.index()].ty.clone()).collect();
        Ok(Compiled { program: Program::new(&Graph::new(&inner, &outputs))?, types, inputs })
    }
}

impl fmt::Display for Compiled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let program = &self.program;
        writeln!(
            f,
            "{} arguments, {} steps, {} bytes of memory",
            self.types.len(),
            program.steps.len(),
            program.bytes()
        )?;
        for step in &program.steps {
            match step {
                Step::Single(step) => writeln!(f, "  {step}")?,
                Step::Group(group) => writeln!(f, "  {group}")?,
            }
        }
        Ok(())
    }
}
