//! Replaying a program.
//!
//! The memory is the program's own, so nothing is allocated but the answers. A result's storage is taken out of its
//! slot while it is written and put back before anything else can go wrong.

use std::mem::take;

use smallvec::SmallVec;
use wengert_tensor::{Data, Error, Result, Storage, Tensor, View, ViewMut};

use super::{Group, Program, Single, Source, Step};

impl Program {
    /// The answers for these inputs, which are contiguous and of the types that the program was made for.
    pub(crate) fn run(&mut self, inputs: &[&Tensor]) -> Result<Vec<Tensor>> {
        for (slot, spec) in self.slots.iter_mut().zip(&self.specs) {
            if spec.answer {
                *slot = Storage::zeros(spec.dtype, spec.len)?;
            }
        }
        let mut memory = Memory { inputs, constants: &self.constants, slots: &mut self.slots };
        for step in &self.steps {
            match step {
                Step::Single(single) => memory.single(single)?,
                Step::Group(group) => memory.group(group)?,
            }
        }
        self.answers(inputs)
    }

    /// Moves the answers out. Several may be views of one slot.
    fn answers(&mut self, inputs: &[&Tensor]) -> Result<Vec<Tensor>> {
        let mut whole: SmallVec<[(usize, Tensor); 8]> = SmallVec::new();
        let mut answers = Vec::with_capacity(self.answers.len());
        for answer in &self.answers {
            let tensor = match answer.source {
                Source::Input(k) => inputs[k].with_layout(answer.layout.clone())?,
                Source::Constant(k) => self.constants[k].with_layout(answer.layout.clone())?,
                Source::Slot(slot) => match whole.iter().find(|(s, _)| *s == slot) {
                    Some((_, tensor)) => tensor.with_layout(answer.layout.clone())?,
                    None => {
                        let tensor = Tensor::from_storage(take(&mut self.slots[slot]), answer.layout.clone())?;
                        whole.push((slot, tensor.clone()));
                        tensor
                    }
                },
            };
            answers.push(tensor);
        }
        Ok(answers)
    }

    /// The number of bytes that the program holds on to between runs.
    pub(crate) fn bytes(&self) -> usize {
        self.slots.iter().map(|slot| slot.len() * slot.dtype().size()).sum()
    }
}

struct Memory<'a> {
    inputs: &'a [&'a Tensor],
    constants: &'a [Tensor],
    slots: &'a mut Vec<Storage>,
}

impl Memory<'_> {
    fn data(&self, source: Source) -> Data<'_> {
        match source {
            Source::Input(k) => self.inputs[k].data(),
            Source::Constant(k) => self.constants[k].data(),
            Source::Slot(k) => self.slots[k].data(),
        }
    }

    /// Runs `write` on the storage of a slot, taken out meanwhile.
    fn writing(&mut self, slot: usize, write: impl FnOnce(&Self, &mut Storage) -> Result<()>) -> Result<()> {
        let mut out = take(&mut self.slots[slot]);
        let outcome = write(self, &mut out);
        self.slots[slot] = out;
        outcome
    }

    fn single(&mut self, step: &Single) -> Result<()> {
        let outcome = self.writing(step.out, |memory, out| {
            let views = step.operands.iter().map(|(source, layout)| View::new(memory.data(*source), layout));
            let views: SmallVec<[View; 4]> = views.collect::<Result<_>>()?;
            let out = ViewMut::new(out.data_mut().range(0..step.shape.numel()), &step.shape)?;
            step.op.rule().eval(&views, out)
        });
        outcome.map_err(|e: Error| e.at(step.at))
    }

    fn group(&mut self, group: &Group) -> Result<()> {
        let tile = group.full.numel();
        let mut walkers: SmallVec<[_; 8]> = group.loads.iter().map(|load| load.walker.clone()).collect();
        let mut start = 0;
        while start < group.numel {
            let n = tile.min(group.numel - start);
            let layout = if n == tile { &group.full } else { &group.rest };
            for (load, walker) in group.loads.iter().zip(&mut walkers) {
                if !load.once || start == 0 {
                    let n = if load.once { tile } else { n };
                    self.writing(load.tile, |memory, out| {
                        walker.read(memory.data(load.source), out.data_mut().range(0..n))
                    })?;
                }
            }
            for op in &group.ops {
                let at = |offset: usize, moves: bool| if moves { offset + start } else { offset };
                let Source::Slot(out_slot) = op.out.source else { continue };
                let outcome = self.writing(out_slot, |memory, out| {
                    let views = op.operands.iter().map(|x| {
                        let from = at(x.offset, x.moves);
                        View::new(memory.data(x.source).range(from..from + n), layout)
                    });
                    let views: SmallVec<[View; 4]> = views.collect::<Result<_>>()?;
                    let from = at(op.out.offset, op.out.moves);
                    let out = ViewMut::new(out.data_mut().range(from..from + n), layout.shape())?;
                    op.op.rule().eval(&views, out)
                });
                outcome.map_err(|e: Error| e.at(op.at))?;
            }
            start += n;
        }
        Ok(())
    }
}
