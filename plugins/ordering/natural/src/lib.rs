//! The natural order of paths: `seg2` comes before `seg10`.

mod key;

use filmgate_plugin::{
    Description, Error, Item, Ordering, Parameter, Parameters, Placement, export_ordering,
};
use key::Key;

/// The contract's limit for a reason, in bytes.
const REASON: usize = 200;

struct Natural {
    fold_case: bool,
    reverse: bool,
}

impl Ordering for Natural {
    fn describe() -> Description {
        Description::new(
            "natural",
            env!("CARGO_PKG_VERSION"),
            "orders paths as people do: numbers by their value",
        )
        .license(env!("CARGO_PKG_LICENSE"))
        .homepage(env!("CARGO_PKG_REPOSITORY"))
        .parameter(
            Parameter::choice(
                "case",
                "whether capital letters are told from small ones",
                ["insensitive", "sensitive"],
            )
            .default("insensitive"),
        )
        .parameter(Parameter::boolean("reverse", "the last one first").default(false))
    }

    fn configure(parameters: &Parameters) -> Result<Self, Error> {
        Ok(Natural {
            fold_case: parameters.choice("case")? == "insensitive",
            reverse: parameters.boolean("reverse")?,
        })
    }

    fn order(&mut self, items: &[Item]) -> Result<Vec<Placement>, Error> {
        let keys: Vec<Key> =
            items.iter().map(|item| Key::new(&item.path, self.fold_case)).collect();
        let mut order: Vec<usize> = (0..keys.len()).collect();
        order.sort_by(|&a, &b| keys[a].cmp(&keys[b]));
        if self.reverse {
            order.reverse();
        }
        let place = |place: usize| Placement {
            item: order[place] as u32,
            reason: reason(&keys, &order, place),
        };
        Ok((0..order.len()).map(place).collect())
    }
}

export_ordering!(Natural);

/// The number or text of an item in which it first differs from the one before it; of the first
/// item, from the one behind it.
fn reason(keys: &[Key], order: &[usize], place: usize) -> String {
    let neighbour = if place > 0 { place - 1 } else { place + 1 };
    match order.get(neighbour) {
        Some(&neighbour) => {
            let text = keys[order[place]].difference(&keys[neighbour]);
            text[..text.floor_char_boundary(REASON)].to_owned()
        }
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ordered(
        paths: &[&str],
        parameters: &[(&str, filmgate_plugin::Value)],
    ) -> Vec<(u32, String)> {
        let defaults = [("case", "insensitive".into()), ("reverse", false.into())];
        let parameters = Parameters::new(parameters.iter().cloned().chain(defaults));
        let item = |path: &&str| Item {
            path: (*path).to_owned(),
            size: 0,
            modified: 0,
            properties: Vec::new(),
        };
        let items: Vec<Item> = paths.iter().map(item).collect();
        let mut natural = Natural::configure(&parameters).expect("known parameters");
        let placements = natural.order(&items).expect("it always works");
        placements.into_iter().map(|p| (p.item, p.reason)).collect()
    }

    #[test]
    fn items_come_with_their_reasons() {
        let order = ordered(&["seg10a.mp4", "seg10.mp4", "seg2.mp4"], &[]);
        assert_eq!(order, [(2, "2".into()), (1, "10".into()), (0, "a".into())]);
        assert_eq!(ordered(&["alone.mp4"], &[]), [(0, String::new())]);
        assert_eq!(ordered(&[], &[]), []);
    }

    #[test]
    fn the_order_can_be_turned_round() {
        let order = ordered(&["1", "3", "2"], &[("reverse", true.into())]);
        assert_eq!(order.iter().map(|p| p.0).collect::<Vec<_>>(), [1, 2, 0]);
    }

    #[test]
    fn capitals_can_be_told_apart() {
        let paths = ["a", "B"];
        let first = |case: &str| ordered(&paths, &[("case", case.into())])[0].0;
        assert_eq!((first("insensitive"), first("sensitive")), (0, 1));
    }

    #[test]
    fn long_reasons_are_cut_between_characters() {
        let path = "ä".repeat(150);
        let order = ordered(&["a", &path], &[]);
        assert_eq!(order[1].1, "ä".repeat(100));
    }

    #[test]
    fn ten_thousand_items_are_a_permutation() {
        let paths: Vec<String> =
            (0..10_000).map(|i| format!("cam/seg{}.ts", i * 7919 % 10_000)).collect();
        let order = ordered(&paths.iter().map(String::as_str).collect::<Vec<_>>(), &[]);
        for (place, (item, reason)) in order.iter().enumerate() {
            assert_eq!(paths[*item as usize], format!("cam/seg{place}.ts"));
            assert_eq!(*reason, place.to_string());
        }
    }
}
