//! A command is data: it says what it reads, and decides purely. Doing it twice is doing it once.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::world::{Need, World};

/// What every command can do. `decide` either changes the world and answers, or refuses; what a
/// refusing command changed is taken back by the caller.
pub trait Decide {
    type Answer: Serialize;
    type Refusal: Serialize;

    /// Works out what follows from the command alone, so that the one lane that decides need not.
    fn prepare(&self) {}

    /// Names what is read. Keys that follow from the command alone.
    fn reads(&self, need: &mut Need);

    /// Names what follows from what was loaded first; there is no third round.
    fn reads_more(&self, _world: &World, _need: &mut Need) {}

    fn decide(&self, world: &mut World) -> Result<Self::Answer, Self::Refusal>;
}

/// A refusal as it leaves the rules: a stable code and the values that its sentence needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    pub code: String,
    #[serde(flatten)]
    pub args: serde_json::Map<String, Value>,
}

impl Problem {
    /// From a refusal enum that serialises with its `code`; a nested refusal (one field that is
    /// itself tagged) speaks for itself.
    pub fn of(refusal: &impl Serialize) -> Self {
        match serde_json::to_value(refusal) {
            Ok(Value::Object(mut args)) => {
                let code = args.remove("code").and_then(|c| c.as_str().map(str::to_owned));
                Self { code: code.unwrap_or_else(|| "unexplained".to_owned()), args }
            }
            _ => Self { code: "unexplained".to_owned(), args: serde_json::Map::new() },
        }
    }

    /// The text of one value, as sentences show it.
    #[must_use]
    pub fn arg(&self, name: &str) -> Option<String> {
        self.args.get(name).map(|v| v.as_str().map_or_else(|| v.to_string(), str::to_owned))
    }
}

/// What a caller gets back for one command of a batch.
pub type Outcome = Result<Value, Problem>;

/// Decides one command within a batch: its effects stay, or are taken back to the letter.
pub fn run<C: Decide>(command: &C, world: &mut World) -> Outcome {
    world.keep();
    match command.decide(world) {
        Ok(answer) => {
            world.keep();
            Ok(serde_json::to_value(answer).unwrap_or(Value::Null))
        }
        Err(refusal) => {
            world.take_back();
            Err(Problem::of(&refusal))
        }
    }
}
