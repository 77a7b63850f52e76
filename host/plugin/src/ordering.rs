//! An ordering policy at work. What it answers is a permutation, or an error.

use super::bindings::ordering::OrderingPlugin;
use super::describe::{Value, properties};
use super::error::PluginError;
use super::instance::Instance;
use super::item::Item;
use super::load::{Kind, Plugin, Pre};
use super::log::harmless;

/// The longest reason, in bytes.
const REASON_BYTES: usize = 200;

/// One item in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placement {
    /// which of the items given
    pub item: usize,
    /// what put it here, for people; may be empty
    pub reason: String,
}

/// One configured instance of an ordering policy.
pub struct Ordering {
    instance: Instance,
    bindings: OrderingPlugin,
}

impl Ordering {
    /// # Errors
    /// `WrongKind`, `Parameter`, `Refused`, `Failed`, `Cancelled`.
    pub fn start(plugin: &Plugin, parameters: &[(String, Value)]) -> Result<Ordering, PluginError> {
        let Pre::Ordering(pre) = &plugin.pre else { return Err(plugin.wrong_kind(Kind::Ordering)) };
        let mut instance = Instance::new(&plugin.engine, plugin.name(), &plugin.limits);
        let doing = || "was configured".to_owned();
        let parameters = properties(parameters);
        let (bindings, answer) = instance.call(doing, |store| {
            let bindings = pre.instantiate(&mut *store)?;
            let answer = bindings.filmgate_plugin_ordering().call_configure(store, &parameters)?;
            Ok((bindings, answer))
        })?;
        answer.map_err(|e| instance.refusal(doing(), e))?;
        Ok(Ordering { instance, bindings })
    }

    /// Every item once, the first to come first.
    ///
    /// # Errors
    /// `Refused` when the policy says no; anything else ends the instance.
    pub fn order(&mut self, items: &[Item]) -> Result<Vec<Placement>, PluginError> {
        let doing = || format!("was asked for the order of {} files", items.len());
        let what: Vec<_> = items.iter().map(Item::to_guest).collect();
        let ordering = self.bindings.filmgate_plugin_ordering();
        let answer = self.instance.call(doing, |store| ordering.call_order(store, &what))?;
        let places = answer.map_err(|e| self.instance.refusal(doing(), e))?;
        let order: Vec<u32> = places.iter().map(|p| p.item).collect();
        check_order(&order, items.len()).map_err(|e| self.instance.misuse(doing(), e))?;
        Ok(places
            .into_iter()
            .map(|p| Placement { item: p.item as usize, reason: harmless(&p.reason, REASON_BYTES) })
            .collect())
    }
}

/// Whether `order` names each of 0 .. `count` once.
pub fn check_order(order: &[u32], count: usize) -> Result<(), String> {
    if order.len() != count {
        return Err(format!("answered with {} places for {count} files", order.len()));
    }
    let mut seen = vec![false; count];
    for &item in order {
        match seen.get_mut(item as usize) {
            Some(seen) if !*seen => *seen = true,
            Some(_) => return Err(format!("gave file {item} two places")),
            None => return Err(format!("gave a place to file {item} of {count}")),
        }
    }
    Ok(())
}
