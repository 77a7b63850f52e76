//! The order of GoPro's files: the chapters of a video one behind the other.

mod name;

use filmgate_plugin::{Description, Error, Item, Ordering, Parameters, Placement, export_ordering};
use name::Key;

struct Gopro;

impl Ordering for Gopro {
    fn describe() -> Description {
        Description::new(
            "gopro",
            env!("CARGO_PKG_VERSION"),
            "orders GoPro files by video, then by chapter",
        )
        .license(env!("CARGO_PKG_LICENSE"))
        .homepage(env!("CARGO_PKG_REPOSITORY"))
    }

    fn configure(_: &Parameters) -> Result<Self, Error> {
        Ok(Gopro)
    }

    fn order(&mut self, items: &[Item]) -> Result<Vec<Placement>, Error> {
        let mut keys: Vec<(Key, u32)> =
            items.iter().zip(0..).map(|(item, number)| (Key::new(&item.path), number)).collect();
        keys.sort();
        Ok(keys.into_iter().map(|(key, item)| Placement { item, reason: key.reason() }).collect())
    }
}

export_ordering!(Gopro);

#[cfg(test)]
mod tests {
    use super::*;

    fn ordered(paths: &[&str]) -> Vec<(u32, String)> {
        let item = |path: &&str| Item {
            path: (*path).to_owned(),
            size: 0,
            modified: 0,
            properties: Vec::new(),
        };
        let items: Vec<Item> = paths.iter().map(item).collect();
        let placements = Gopro.order(&items).expect("it always works");
        placements.into_iter().map(|p| (p.item, p.reason)).collect()
    }

    #[test]
    fn chapters_follow_their_video() {
        let order = ordered(&["GX010124.MP4", "GX020123.MP4", "GX010123.MP4"]);
        let reasons = ["video 0123, chapter 1", "video 0123, chapter 2", "video 0124, chapter 1"];
        assert_eq!(order.iter().map(|o| o.0).collect::<Vec<_>>(), [2, 1, 0]);
        assert_eq!(order.iter().map(|o| &*o.1).collect::<Vec<_>>(), reasons);
        assert_eq!(ordered(&[]), []);
    }
}
