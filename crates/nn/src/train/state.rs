//! All that training keeps besides the model, as tensors by name: what has to be saved for it to go on to the same bits.

use indexmap::IndexMap;
use wengert_tensor::{Error, Result, Tensor};

use super::{CompiledTrain, Train};
use crate::param::Param;

/// How tensors of training itself are called; those of a parameter are called by its name and a number, as `0.weight/1`.
const STEPS: &str = "steps";
const RUNS: &str = "runs";
const SEED: &str = "seed";
const LR: &str = "lr";
const LOSS_SCALE: &str = "loss_scale";

impl Train {
    /// All that training keeps besides the model: how many steps were made, the seed, the learning rates, the scale of the loss
    /// with its counts where it is scaled, and for every parameter the number of its updates, the optimiser's state, and the sum
    /// of gradients and the running mean where there are any. Together with [`Module::state`](crate::Module::state) it is all
    /// that the next steps depend on.
    ///
    /// ```
    /// use wengert_nn::{Adam, Module, Param, Train};
    /// use wengert_tensor::{Rng, Tensor};
    ///
    /// let x = Param::new(Tensor::from([1.0, 2.0]));
    /// let mut train = Train::new(&x, Adam::new(0.1));
    /// train.step(|t| x.on(t).square().sum())?;
    /// let (model, training) = (x.state(), train.state()?);
    /// let next = train.step(|t| x.on(t).square().sum())?;
    ///
    /// let mut train = Train::new(&x, Adam::new(0.1));
    /// x.load(&model)?;
    /// train.load_state(&training)?;
    /// assert_eq!(train.step(|t| x.on(t).square().sum())?, next);
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// Where there is no memory.
    #[doc(alias = "state_dict")]
    pub fn state(&self) -> Result<IndexMap<String, Tensor>> {
        let lrs: Vec<f64> = self.groups.iter().map(|optimizer| optimizer.lr()).collect();
        let mut state: IndexMap<String, Tensor> = [
            (STEPS.to_string(), Tensor::from(self.steps as i64)),
            (RUNS.to_string(), Tensor::from(self.runs as i64)),
            (SEED.to_string(), Tensor::from(self.seed as i64)),
            (LR.to_string(), Tensor::from(lrs)),
        ]
        .into();
        if let Some(scale) = &self.scale {
            state.insert(LOSS_SCALE.to_string(), scale.state());
        }
        for slot in &self.slots {
            state.insert(format!("{}/updates", slot.name), Tensor::from(slot.updates as i64));
            for (i, kept) in slot.state.iter().enumerate() {
                state.insert(format!("{}/{i}", slot.name), kept.value());
            }
        }
        Ok(state)
    }

    /// Goes on from what [`state`](Self::state) gave, in training of the same model with the same options.
    ///
    /// # Errors
    /// [`ErrorKind::Parameter`](wengert_tensor::ErrorKind::Parameter) with the name of what is missing, left over, or not what
    /// it must be. Nothing is changed then.
    #[doc(alias = "load_state_dict")]
    pub fn load_state(&mut self, state: &IndexMap<String, Tensor>) -> Result<()> {
        let mut used = 0;
        let mut find = |name: &str| {
            used += 1;
            state.get(name).ok_or_else(|| Error::parameter(format!("load_state: there is no {name}")))
        };
        let number = |name: &str, tensor: &Tensor| match tensor.to_vec::<i64>() {
            Ok(number) if tensor.shape().rank() == 0 => Ok(number[0] as u64),
            _ => Err(Error::parameter(format!("load_state: {name} is no single i64"))),
        };
        let (steps, runs, seed) =
            (number(STEPS, find(STEPS)?)?, number(RUNS, find(RUNS)?)?, number(SEED, find(SEED)?)?);
        let lrs = find(LR)?.to_vec::<f64>().map_err(|error| error.within("load_state: lr"))?;
        if lrs.len() != self.groups.len() {
            let (given, own) = (lrs.len(), self.groups.len());
            return Err(Error::parameter(format!("load_state: {given} learning rates for {own} groups of parameters")));
        }
        let scale = match self.scale {
            Some(scale) => Some(scale.with_state(find(LOSS_SCALE)?)?),
            None => None,
        };
        let mut kept = Vec::with_capacity(self.slots.len());
        for slot in &self.slots {
            let name = format!("{}/updates", slot.name);
            let (updates, ty) = (number(&name, find(&name)?)?, slot.param.ty());
            let mut tensors = Vec::new();
            if state.contains_key(&format!("{}/0", slot.name)) {
                for i in 0..self.states(slot) {
                    let name = format!("{}/{i}", slot.name);
                    let tensor = find(&name)?;
                    if tensor.dtype() != ty.dtype || *tensor.shape() != ty.shape {
                        let (dtype, shape) = (tensor.dtype(), tensor.shape());
                        return Err(Error::parameter(format!("load_state: {name} is {dtype}{shape}, not {ty}")));
                    }
                    tensors.push(tensor.clone());
                }
            }
            kept.push((updates, tensors));
        }
        if used != state.len() {
            let known = |name: &&String| !self.knows(name);
            let names: Vec<&str> = state.keys().filter(known).map(String::as_str).collect();
            return Err(Error::parameter(format!("load_state: there is no place for {}", names.join(", "))));
        }
        (self.steps, self.runs, self.seed, self.scale) = (steps, runs, seed, scale);
        self.groups.iter_mut().zip(lrs).for_each(|(optimizer, lr)| optimizer.set_lr(lr));
        for (slot, (updates, tensors)) in self.slots.iter_mut().zip(kept) {
            slot.updates = updates;
            slot.state = tensors.into_iter().map(Param::new).collect();
        }
        Ok(())
    }

    /// Whether a tensor of this name can be part of the state.
    fn knows(&self, name: &str) -> bool {
        let of = |slot: &super::Slot| {
            let rest = name.strip_prefix(&slot.name).and_then(|rest| rest.strip_prefix('/'));
            rest.is_some_and(|rest| rest == "updates" || rest.parse().is_ok_and(|i: usize| i < self.states(slot)))
        };
        let scaled = self.scale.is_some() && name == LOSS_SCALE;
        scaled || [STEPS, RUNS, SEED, LR].contains(&name) || self.slots.iter().any(of)
    }
}

impl<F, const N: usize> CompiledTrain<F, N> {
    /// All that training keeps besides the model: see [`Train::state`].
    ///
    /// # Errors
    /// Where there is no memory.
    pub fn state(&self) -> Result<IndexMap<String, Tensor>> {
        self.train.state()
    }

    /// Goes on from what [`state`](Self::state) gave: see [`Train::load_state`].
    ///
    /// # Errors
    /// As [`Train::load_state`].
    pub fn load_state(&mut self, state: &IndexMap<String, Tensor>) -> Result<()> {
        self.train.load_state(state)?;
        // Programs hold on to the tensors that were kept before.
        self.programs.clear();
        Ok(())
    }
}
