//! The plain orders: by name, by the time of change, by the time of recording, or as given.

use filmgate_plugin::{
    Description, Error, Item, Ordering, Parameter, Parameters, Placement, export_ordering,
};

/// The contract's limit for a reason, in bytes.
const REASON: usize = 200;

#[derive(Clone, Copy, PartialEq)]
enum Key {
    Name,
    Mtime,
    Created,
    Given,
}

struct By {
    key: Key,
    reverse: bool,
}

impl Ordering for By {
    fn describe() -> Description {
        Description::new(
            "by",
            env!("CARGO_PKG_VERSION"),
            "orders by name, by time of change or recording, or not at all",
        )
        .license(env!("CARGO_PKG_LICENSE"))
        .homepage(env!("CARGO_PKG_REPOSITORY"))
        .parameter(
            Parameter::choice(
                "key",
                "name: letter by letter; mtime: when it was changed; created: when it was \
                 recorded, as the media says; given: as given",
                ["name", "mtime", "created", "given"],
            )
            .default("name"),
        )
        .parameter(Parameter::boolean("reverse", "the last one first").default(false))
    }

    fn configure(parameters: &Parameters) -> Result<Self, Error> {
        let key = match parameters.choice("key")? {
            "mtime" => Key::Mtime,
            "created" => Key::Created,
            "given" => Key::Given,
            _ => Key::Name,
        };
        Ok(By { key, reverse: parameters.boolean("reverse")? })
    }

    fn order(&mut self, items: &[Item]) -> Result<Vec<Placement>, Error> {
        let mut order: Vec<usize> = (0..items.len()).collect();
        match self.key {
            Key::Given => {}
            Key::Name => order.sort_by(|&a, &b| items[a].path.cmp(&items[b].path)),
            Key::Mtime => order.sort_by_key(|&i| (items[i].modified, &items[i].path)),
            Key::Created => {
                if let Some(item) = items.iter().find(|item| created(item).is_none()) {
                    return Err(Error::failed(format!(
                        "{} does not say when it was recorded",
                        item.path
                    )));
                }
                order.sort_by_key(|&i| (created(&items[i]), &items[i].path));
            }
        }
        if self.reverse {
            order.reverse();
        }
        let placement =
            |item: usize| Placement { item: item as u32, reason: self.reason(&items[item], item) };
        Ok(order.into_iter().map(placement).collect())
    }
}

export_ordering!(By);

impl By {
    fn reason(&self, item: &Item, place: usize) -> String {
        let text = match self.key {
            Key::Name => item.path.clone(),
            Key::Given => format!("given {}", place + 1),
            Key::Mtime => moment(item.modified),
            Key::Created => created(item).map_or_else(String::new, moment),
        };
        text[..text.floor_char_boundary(REASON)].to_owned()
    }
}

fn created(item: &Item) -> Option<i64> {
    item.integer("created")
}

/// `1536401702.250000`: seconds since 1970.
fn moment(micros: i64) -> String {
    format!("{}.{:06} s after 1970", micros.div_euclid(1_000_000), micros.rem_euclid(1_000_000))
}

#[cfg(test)]
mod tests {
    use super::*;
    use filmgate_plugin::Property;

    fn item(path: &str, modified: i64, created: Option<i64>) -> Item {
        let property = |value: i64| Property { name: "created".into(), value: value.into() };
        let properties = created.map(property).into_iter().collect();
        Item { path: path.into(), size: 1, modified, properties }
    }

    fn ordered(key: &str, items: &[Item]) -> Result<Vec<u32>, Error> {
        let parameters = Parameters::new([("key", key.into()), ("reverse", false.into())]);
        let placed = By::configure(&parameters)?.order(items)?;
        Ok(placed.into_iter().map(|p| p.item).collect())
    }

    #[test]
    fn each_key_orders_by_what_it_says() {
        let items = [item("10", 5, Some(1)), item("2", 4, Some(3)), item("1", 6, Some(2))];
        assert_eq!(ordered("name", &items), Ok(vec![2, 0, 1]));
        assert_eq!(ordered("mtime", &items), Ok(vec![1, 0, 2]));
        assert_eq!(ordered("created", &items), Ok(vec![0, 2, 1]));
        assert_eq!(ordered("given", &items), Ok(vec![0, 1, 2]));
    }

    #[test]
    fn equals_go_by_name_and_what_is_missing_is_told() {
        let items = [item("b", 1, None), item("a", 1, Some(1))];
        assert_eq!(ordered("mtime", &items), Ok(vec![1, 0]));
        let error = ordered("created", &items).expect_err("one does not say");
        assert!(error.message().contains('b'), "{error}");
    }
}
