//! A pole on a cart that is pushed left or right: a small world to learn in.
//!
//! The equations are those of A. G. Barto, R. S. Sutton and C. W. Anderson, "Neuronlike adaptive elements that can solve
//! difficult learning control problems", IEEE Transactions on Systems, Man, and Cybernetics 13(5), 1983, without
//! friction, and so are the numbers; the step is Euler's.

use wengert::prelude::*;

/// Metres a second squared.
const GRAVITY: f64 = 9.8;
/// Kilogrammes.
const CART: f64 = 1.0;
const POLE: f64 = 0.1;
/// Half of the pole's length, in metres.
const HALF: f64 = 0.5;
/// Newtons of a push.
const FORCE: f64 = 10.0;
/// Seconds of a step.
const STEP: f64 = 0.02;
/// The furthest that the cart may be from the middle, in metres, and the pole from upright, in radians.
const SIDE: f64 = 2.4;
const LEAN: f64 = 12.0 * std::f64::consts::PI / 180.0;

/// A cart and its pole.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CartPole {
    /// The cart's place and speed, and the pole's angle and its speed.
    pub state: [f64; 4],
}

impl CartPole {
    /// Near the middle, nearly upright, nearly at rest: each number uniform from -0.05 to 0.05.
    ///
    /// # Errors
    /// Where there is no memory.
    pub fn start(rng: &mut Rng) -> Result<Self> {
        let state = Tensor::uniform([4], -0.05, 0.05, DType::F64, rng)?.to_vec::<f64>()?;
        Ok(Self { state: [state[0], state[1], state[2], state[3]] })
    }

    /// A step after a push to the right, or else to the left.
    pub fn push(&mut self, right: bool) {
        let [place, speed, angle, turn] = self.state;
        let force = if right { FORCE } else { -FORCE };
        let (sin, cos) = angle.sin_cos();
        let mass = CART + POLE;
        let common = (force + POLE * HALF * turn * turn * sin) / mass;
        let turning = (GRAVITY * sin - cos * common) / (HALF * (4.0 / 3.0 - POLE * cos * cos / mass));
        let speeding = common - POLE * HALF * turning * cos / mass;
        self.state = [place + STEP * speed, speed + STEP * speeding, angle + STEP * turn, turn + STEP * turning];
    }

    /// Whether the cart has left its track or the pole has fallen.
    pub fn is_over(&self) -> bool {
        let [place, _, angle, _] = self.state;
        !(place.abs() <= SIDE && angle.abs() <= LEAN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mirrored_world_is_the_same() {
        let mut cart = CartPole { state: [0.1, -0.2, 0.03, 0.4] };
        let mut mirrored = CartPole { state: cart.state.map(|x| -x) };
        for step in 0..50 {
            let right = step % 3 == 0;
            cart.push(right);
            mirrored.push(!right);
            assert_eq!(mirrored.state, cart.state.map(|x| -x));
            assert_eq!(mirrored.is_over(), cart.is_over());
        }
    }

    #[test]
    fn a_pole_that_is_never_caught_falls() -> Result<()> {
        let mut cart = CartPole::start(&mut Rng::seed(1))?;
        let fallen = (0..100).position(|_| {
            cart.push(true);
            cart.is_over()
        });
        assert!(fallen.is_some_and(|step| (7..=10).contains(&step)), "{fallen:?}");
        Ok(())
    }
}
