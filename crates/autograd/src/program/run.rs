//! Replaying a program.
//!
//! The memory is the program's own, or that of answers which the caller gives back, so nothing is allocated.

use std::mem::{swap, take};

use smallvec::SmallVec;
use wengert_tensor::{Data, Error, Layout, Result, Storage, Tensor, View, ViewMut, kernel};

use super::cost::Note;
use super::memory::{Kind, Memory};
use super::{Copy, Given, Program, Single, Source, Step};
use crate::ty::Type;

impl Program {
    /// The answers for these arguments, which are of the types that the program was made for.
    pub(crate) fn run(&mut self, arguments: &[&Tensor]) -> Result<Vec<Tensor>> {
        self.in_order(arguments, |program, arguments| {
            program.compute(arguments)?;
            let mut answers: Vec<Tensor> = Vec::with_capacity(program.answers.len());
            for j in 0..program.answers.len() {
                let answer = &program.answers[j];
                let tensor = match answer.source {
                    Source::Slot(slot) if answer.owner == j => {
                        Tensor::from_storage(take(&mut program.slots[slot]), answer.layout.clone())?
                    }
                    _ => program.shared(j, arguments, &answers)?,
                };
                answers.push(tensor);
            }
            Ok(answers)
        })
    }

    /// As [`run`](Self::run), into tensors that hold earlier answers: their memory is used again, unless somebody
    /// shares it. After an error they hold nothing.
    pub(crate) fn run_into(&mut self, arguments: &[&Tensor], answers: &mut [Tensor]) -> Result<()> {
        self.in_order(arguments, |program, arguments| {
            // What only shares an owner's memory must not keep it from being used.
            for (j, answer) in program.answers.iter().enumerate().filter(|(j, answer)| answer.owner != *j) {
                if matches!(answer.source, Source::Slot(_)) {
                    answers[j].clone_from(&program.nothing);
                }
            }
            for (j, answer) in program.answers.iter().enumerate().filter(|(j, answer)| answer.owner == *j) {
                if let (Source::Slot(slot), Some(storage)) = (answer.source, answers[j].take_storage()) {
                    let spec = &program.specs[slot];
                    if storage.dtype() == spec.dtype && storage.len() >= spec.len() {
                        program.slots[slot] = storage;
                    }
                }
            }
            program.compute(arguments)?;
            for j in 0..program.answers.len() {
                let answer = &program.answers[j];
                match answer.source {
                    Source::Slot(slot) if answer.owner == j => {
                        answers[j].put_storage(take(&mut program.slots[slot]), &answer.layout)?;
                    }
                    _ => answers[j] = program.shared(j, arguments, answers)?,
                }
            }
            Ok(())
        })
    }

    /// Runs with arguments whose elements lie in order.
    pub(super) fn in_order<R>(
        &mut self,
        arguments: &[&Tensor],
        run: impl FnOnce(&mut Self, &[&Tensor]) -> Result<R>,
    ) -> Result<R> {
        if arguments.iter().all(|x| x.layout().is_contiguous()) {
            return run(self, arguments);
        }
        let copies: Vec<Tensor> = arguments.iter().map(|x| x.contiguous()).collect::<Result<_>>()?;
        run(self, &copies.iter().collect::<Vec<_>>())
    }

    /// All steps; afterwards the answers are in their slots, and states are what they become.
    fn compute(&mut self, arguments: &[&Tensor]) -> Result<()> {
        self.compute_by(arguments, Step::run)
    }

    /// As [`compute`](Self::compute), where `run` runs each step.
    pub(super) fn compute_by(
        &mut self,
        arguments: &[&Tensor],
        mut run: impl FnMut(&Step, &mut Memory) -> Result<()>,
    ) -> Result<()> {
        if !self.whole {
            self.make_whole()?;
        }
        for answer in &self.answers {
            if let Source::Slot(slot) = answer.source {
                self.slots[slot] = self.specs[slot].storage(take(&mut self.slots[slot]))?;
            }
        }
        self.whole = false;
        let (given, constants) = (&self.given, &self.constants);
        let mut memory = Memory { given, arguments, constants, slots: &mut self.slots };
        for step in &self.steps {
            run(step, &mut memory)?;
        }
        for renewal in &self.renewals {
            let [state, next] = [renewal.state, renewal.slot];
            let (states, others) = self.slots.split_at_mut(next);
            swap(&mut states[state], &mut others[0]);
        }
        self.whole = true;
        Ok(())
    }

    /// Drops the storage of answers that nobody took.
    pub(super) fn forget_answers(&mut self) {
        for answer in &self.answers {
            if let Source::Slot(slot) = answer.source {
                drop(take(&mut self.slots[slot]));
            }
        }
    }

    /// Gives their storage to the program's own slots: at first, and where a run ended in an error or a panic.
    pub(super) fn make_whole(&mut self) -> Result<()> {
        for (slot, spec) in self.slots.iter_mut().zip(&self.specs).filter(|(_, spec)| spec.kind == Kind::Own) {
            *slot = spec.storage(take(slot))?;
        }
        self.whole = true;
        Ok(())
    }

    /// An answer that shares its memory with an argument, a constant or an earlier answer.
    fn shared(&self, j: usize, arguments: &[&Tensor], answers: &[Tensor]) -> Result<Tensor> {
        let answer = &self.answers[j];
        let layout = answer.layout.clone();
        match answer.source {
            Source::Input(k) => match &self.given[k] {
                Given::Argument(i) => {
                    let argument = arguments[*i];
                    argument.with_layout(layout.moved(argument.layout().offset()))
                }
                Given::Value(value) => value.with_layout(layout),
                Given::State(_) => Err(Error::tape("run: a state left the program")),
            },
            Source::Constant(k) => self.constants[k].with_layout(layout),
            Source::Slot(_) => answers[answer.owner].with_layout(layout),
        }
    }

    /// Takes the storage of a state, of type `ty`, out of its slot.
    pub(super) fn take_state(&mut self, state: usize, ty: &Type) -> Result<Tensor> {
        Tensor::from_storage(take(&mut self.slots[state]), Layout::contiguous(ty.shape.clone()))
    }

    /// Puts a tensor's storage in a state's slot, or a copy where others share it or it is more than the tensor.
    pub(super) fn set_state(&mut self, state: usize, value: &mut Tensor) -> Result<()> {
        let (dtype, shape) = (value.dtype(), value.shape().clone());
        let whole = value.layout().offset() == 0 && value.layout().is_contiguous();
        let own = if whole && value.data().len() == value.numel() { value.take_storage() } else { None };
        self.slots[state] = match own {
            Some(storage) => storage,
            None => {
                let mut storage = Storage::scratch(dtype, value.numel())?;
                kernel::copy::copy(value.view(), ViewMut::new(storage.data_mut(), &shape)?)?;
                storage
            }
        };
        Ok(())
    }

    /// The number of bytes that the program holds on to between runs.
    pub(crate) fn bytes(&self) -> usize {
        self.footprint.planned
    }
}

impl Step {
    #[inline]
    pub(super) fn run(&self, memory: &mut Memory) -> Result<()> {
        match self {
            Self::Single(single) => single.run(memory),
            Self::Group(group) => group.run(memory),
            Self::Tiny(tiny) => tiny.run(memory),
            Self::Reshape(reshape) => reshape.run(memory),
            Self::Copy(copy) => copy.run(memory),
        }
    }

    /// What there is to know of it, unless it only changes how memory is cut.
    pub(super) fn note(&self) -> Option<&Note> {
        match self {
            Self::Single(single) => Some(&single.note),
            Self::Group(group) => Some(group.note()),
            Self::Tiny(tiny) => Some(tiny.note()),
            Self::Copy(copy) => Some(&copy.note),
            Self::Reshape(_) => None,
        }
    }

    /// The name of what it does.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Single(single) => single.op.rule().name().into(),
            Self::Group(group) => group.names(),
            Self::Tiny(tiny) => tiny.names(),
            Self::Copy(_) => "copy".into(),
            Self::Reshape(_) => String::new(),
        }
    }
}

impl Copy {
    fn run(&self, memory: &mut Memory) -> Result<()> {
        memory.writing(self.out, |memory, out| {
            let x = View::new(memory.data(self.source), &self.layout)?;
            let out = out.data_mut().range(0..self.layout.numel());
            kernel::copy::copy(x, ViewMut::new(out, self.layout.shape())?)
        })
    }
}

impl Single {
    fn run(&self, memory: &mut Memory) -> Result<()> {
        let outcome = memory.writing(self.out, |memory, out| {
            let operands: SmallVec<[Data; 4]> = self.operands.iter().map(|source| memory.data(*source)).collect();
            self.kernel.call(&operands, out.data_mut().range(0..self.ty.shape.numel()))
        });
        outcome.map_err(|e: Error| e.at(self.at))
    }
}
