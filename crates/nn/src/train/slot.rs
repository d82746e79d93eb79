//! What training keeps of one parameter.

use wengert_autograd::{Tape, Type, Var};
use wengert_tensor::{Error, Result, Tensor};

use crate::optim::Update;
use crate::param::Param;

/// A parameter with what the optimiser, and training around it, keep of it.
pub(crate) struct Slot {
    pub name: String,
    pub param: Param,
    /// The group of parameters that it belongs to.
    pub group: usize,
    /// None before they are needed, and then all: the optimiser's, the sum of gradients where they accumulate, the running
    /// mean of values where there is one. Nobody else has handles to these; they are parameters because programs can
    /// borrow them.
    pub state: Vec<Param>,
    /// Updates of this parameter: fewer than the steps where it was frozen for some.
    pub updates: u64,
}

impl Slot {
    pub fn new(name: String, param: Param) -> Self {
        Self { name, param, group: 0, state: Vec::new(), updates: 0 }
    }

    /// Its `states` as variables, zero at first.
    pub fn state_on<'t>(&self, tape: &'t Tape, states: usize, ty: &Type) -> Result<Vec<Var<'t>>> {
        if self.state.is_empty() {
            let zero = if states > 0 { Tensor::zeros(&ty.shape, ty.dtype)? } else { return Ok(Vec::new()) };
            return Ok((0..states).map(|_| tape.input(&zero)).collect());
        }
        let name = &self.name;
        if self.state.len() != states {
            let kept = self.state.len();
            return Err(Error::value(format!(
                "train: {kept} tensors are kept of {name}, and {states} are needed now: optimisers, accumulation and averages \
                 are chosen before the first step"
            )));
        }
        let values: Vec<Tensor> = self.state.iter().map(Param::value).collect();
        match values.iter().find(|state| state.dtype() != ty.dtype) {
            Some(state) => {
                let was = state.dtype();
                Err(Error::dtype(format!("train: {name} is {ty} now and was {was} in the steps before")))
            }
            None => Ok(values.iter().map(|state| tape.input(state)).collect()),
        }
    }

    /// Makes its states, if there are none.
    pub fn start(&mut self, states: usize) -> Result<()> {
        if self.state.is_empty() && states > 0 {
            let ty = self.param.ty();
            let zero = || Ok(Param::new(Tensor::zeros(&ty.shape, ty.dtype)?));
            self.state = (0..states).map(|_| zero()).collect::<Result<_>>()?;
        }
        Ok(())
    }

    /// That an optimiser made a value and `states` states of the parameter's type. What is poisoned is reported when it is
    /// evaluated.
    pub fn check(&self, ty: &Type, states: usize, update: &Update<'_>) -> Result<()> {
        let made = [update.x].into_iter().chain(update.state.iter().copied());
        let wrong = made.filter(|made| !made.is_poisoned()).map(Var::ty).find(|made| made != ty);
        match wrong {
            Some(made) => Err(Error::shape(format!("train: the optimiser makes {made} of {} of {ty}", self.name))),
            None if update.state.len() != states && !update.x.is_poisoned() => {
                let (name, n) = (&self.name, update.state.len());
                Err(Error::value(format!("train: the optimiser makes {n} states of {name}, not {states}")))
            }
            None => Ok(()),
        }
    }
}
