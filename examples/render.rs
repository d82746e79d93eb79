//! A picture explained: a disc that is drawn by a differentiable renderer, moved and resized until
//! the picture matches.

mod shared;

use std::process::ExitCode;

use shared::{Curve, Outcome, agrees};
use wengert::prelude::*;

/// Pixels along each side of the unit square.
const SIDE: usize = 32;
/// Over this width a disc's edge fades, so that pixels tell where the edge is.
const EDGE: f64 = 0.05;

fn main() -> ExitCode {
    shared::main("Finds the disc in a picture by gradients through the renderer.", run)
}

#[derive(Module)]
struct Disc {
    centre: Param,
    radius: Param,
}

impl Disc {
    fn new(centre: [f64; 2], radius: f64) -> Self {
        Self { centre: Param::new(Tensor::from(centre)), radius: Param::new(Tensor::from(radius)) }
    }

    /// How much of each pixel is covered, [SIDE, SIDE]: rows by y, columns by x.
    fn render<'t>(&self, tape: &'t Tape, line: &Tensor) -> Var<'t> {
        let (centre, line) = (self.centre.on(tape), tape.input(line));
        let dx = (line - centre.select_axis(0, 0)).reshape([1, SIDE]);
        let dy = (line - centre.select_axis(0, 1)).reshape([SIDE, 1]);
        let distance = (dx.square() + dy.square() + 1e-9).sqrt();
        ((self.radius.on(tape) - distance) / EDGE).sigmoid()
    }
}

fn run() -> Outcome<(bool, Vec<Curve>)> {
    let half = 0.5 / SIDE as f64;
    let line = Tensor::linspace(half, 1.0 - half, SIDE)?;
    let picture = Disc::new([0.65, 0.4], 0.2).render(&Tape::new(), &line).value()?;
    let guess = Disc::new([0.4, 0.6], 0.3);
    show("wanted", &picture)?;
    show("first guess", &guess.render(&Tape::new(), &line).value()?)?;

    let mut train = Train::new(&guess, Adam::new(0.01));
    let mut losses = Vec::new();
    for step in 0..600 {
        train.set_lr(0.01 * (1.0 - f64::from(step) / 600.0));
        let loss = train.step(|tape| mse(guess.render(tape, &line), tape.input(&picture)))?;
        losses.push((f64::from(step), loss.max(1e-16).log10()));
    }
    show("found", &guess.render(&Tape::new(), &line).value()?)?;
    let centre = guess.centre.value().to_vec::<f64>()?;
    let found = [
        agrees("x of the centre", centre[0], 0.65, 1e-4),
        agrees("y of the centre", centre[1], 0.4, 1e-4),
        agrees("radius", guess.radius.value().item()?, 0.2, 1e-4),
    ];
    Ok((found.iter().all(|found| *found), vec![Curve::new("log10 of the loss by step", '-', losses)]))
}

/// Prints every second row.
fn show(name: &str, picture: &Tensor) -> Result<()> {
    println!("{name}:");
    for row in picture.to_vec::<f64>()?.chunks(SIDE).step_by(2) {
        let shade = |&cover: &f64| [' ', '.', ':', 'o', '@'][(cover * 4.99).clamp(0.0, 4.0) as usize];
        println!("  {}", row.iter().map(shade).collect::<String>().trim_end());
    }
    Ok(())
}
