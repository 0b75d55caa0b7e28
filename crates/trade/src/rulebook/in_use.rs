//! Which packs a hub goes by, as its log tells it: a pack that is gone by for the first time is an event
//! with its digest, so that nobody can say afterwards that another one held.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::pack::PackName;
use crate::command::Decide;
use crate::event::Happened;
use crate::world::{Need, World};

/// The mark under which a hub knows what it goes by; see [`World::mark`].
pub const MARK: &str = "rule-packs";

/// One pack that is gone by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackInUse {
    pub digest: String,
    /// Name and id of the key that vouched for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signer: Option<String>,
}

/// All packs that a hub goes by.
pub type PacksInUse = BTreeMap<PackName, PackInUse>;

/// A hub was opened with these packs. It says it to itself; the same again changes nothing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UsePacks {
    pub packs: PacksInUse,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum UsePacksRefusal {
    /// The node that decides was opened with another version of the pack: all nodes need the same.
    PackOfAnotherNode { pack: PackName, own: Option<String>, got: String },
}

/// What a mark says; nothing where there is none yet.
#[must_use]
pub fn from_mark(mark: Option<&str>) -> PacksInUse {
    mark.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
}

impl Decide for UsePacks {
    type Answer = usize;
    type Refusal = UsePacksRefusal;

    fn reads(&self, _need: &mut Need) {}

    /// Answers how many packs are new or others than before.
    fn decide(&self, world: &mut World) -> Result<usize, UsePacksRefusal> {
        let own = world.site.rulebooks.in_use();
        for (pack, used) in &self.packs {
            let own = own.get(pack).map(|own| own.digest.clone());
            if own.as_deref() != Some(&used.digest) {
                return Err(UsePacksRefusal::PackOfAnotherNode { pack: pack.clone(), own, got: used.digest.clone() });
            }
        }
        let before = from_mark(world.marked(MARK).as_deref());
        if before == self.packs {
            return Ok(0);
        }
        let mut changed = 0;
        for (pack, used) in &self.packs {
            let held = before.get(pack);
            if held != Some(used) {
                changed += 1;
                let what = Happened::RulePackUsed {
                    pack: pack.to_string(),
                    digest: used.digest.clone(),
                    signer: used.signer.clone(),
                    replaces: held.map(|held| held.digest.clone()).filter(|digest| *digest != used.digest),
                };
                world.happened(None, None, what);
            }
        }
        for pack in before.keys().filter(|pack| !self.packs.contains_key(*pack)) {
            changed += 1;
            world.happened(None, None, Happened::RulePackDropped { pack: pack.to_string() });
        }
        world.mark(MARK, serde_json::to_string(&self.packs).expect("packs have text keys only"));
        Ok(changed)
    }
}
