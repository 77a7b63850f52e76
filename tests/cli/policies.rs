//! The naming and ordering policies, called through the library as the host calls them.

use filmgate::plugin::{Item, Naming, Ordering, PluginError, Request, Value, resolve};

use crate::pixels::load;

fn items(paths: &[&str]) -> Vec<Item> {
    let item = |path: &&str| Item { path: (*path).to_owned(), size: 1, ..Item::default() };
    paths.iter().map(item).collect()
}

fn order(parameters: &[(&str, &str)], paths: &[&str]) -> (Vec<String>, Vec<String>) {
    let plugin = load("natural");
    let given: Vec<_> = parameters.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect();
    let parameters = resolve(&plugin.description, &given).expect("parameters are right");
    let mut ordering = Ordering::start(&plugin, &parameters).expect("it starts");
    let placed = ordering.order(&items(paths)).expect("it orders");
    placed.into_iter().map(|p| (paths[p.item].to_owned(), p.reason)).unzip()
}

#[test]
fn natural_puts_two_before_ten_and_says_why() {
    let (paths, reasons) = order(&[], &["seg10.mp4", "seg2.mp4", "seg1.mp4"]);
    assert_eq!(paths, ["seg1.mp4", "seg2.mp4", "seg10.mp4"]);
    assert_eq!(reasons, ["1", "2", "10"]);
    let (paths, _) = order(
        &[],
        &["seg11.mp4", "seg10a/1.mp4", "seg10a.mp4", "seg10-1.mp4", "seg10.mp4", "seg2.mp4"],
    );
    let wanted =
        ["seg2.mp4", "seg10.mp4", "seg10-1.mp4", "seg10a.mp4", "seg10a/1.mp4", "seg11.mp4"];
    assert_eq!(paths, wanted);
    let (paths, _) = order(&[("reverse", "true")], &["b2", "b10", "a"]);
    assert_eq!(paths, ["b10", "b2", "a"]);
    let (paths, _) = order(&[("case", "sensitive")], &["b", "A", "a", "B"]);
    assert_eq!(paths, ["A", "B", "a", "b"]);
    assert_eq!(order(&[], &[]).0, [""; 0]);
    // Longer than any machine's numbers.
    let (long, longer) = (format!("{}1.ts", "9".repeat(40)), format!("{}2.ts", "9".repeat(40)));
    assert_eq!(order(&[], &[&longer, &long]).0, [long.clone(), longer.clone()]);
}

#[test]
fn gopro_puts_the_chapters_of_a_video_one_behind_the_other() {
    let plugin = load("gopro");
    let parameters = resolve(&plugin.description, &[]).expect("there are none");
    let mut ordering = Ordering::start(&plugin, &parameters).expect("it starts");
    let paths = ["GX010124.MP4", "GX020123.MP4", "clip.mp4", "GX010123.MP4"];
    let placed = ordering.order(&items(&paths)).expect("it orders");
    let order: Vec<_> = placed.iter().map(|p| paths[p.item]).collect();
    assert_eq!(order, ["GX010123.MP4", "GX020123.MP4", "GX010124.MP4", "clip.mp4"]);
    assert_eq!(placed[1].reason, "video 0123, chapter 2");
}

fn naming(pattern: &str, zone: &str) -> Result<Naming, PluginError> {
    let plugin = load("template");
    let given = [("pattern", pattern), ("zone", zone)].map(|(k, v)| (k.to_owned(), v.to_owned()));
    let parameters = resolve(&plugin.description, &given).expect("parameters are right");
    Naming::start(&plugin, &parameters)
}

fn request(path: &str) -> Request {
    Request {
        sources: vec![Item {
            path: path.to_owned(),
            size: 1000,
            modified: 1_536_401_702_000_000,
            properties: vec![
                ("codec".to_owned(), Value::Text("h264".to_owned())),
                ("width".to_owned(), Value::Integer(1280)),
                ("height".to_owned(), Value::Integer(720)),
            ],
        }],
        index: 41,
        extension: "mp4".to_owned(),
        folders: true,
        ..Request::default()
    }
}

#[test]
fn template_fills_its_pattern() {
    for (pattern, wanted) in [
        ("{stem}.{ext}", "holiday.mp4"),
        ("{dir}/{stem}", "cam/holiday.mp4"),
        ("{name}-{number:04}", "holiday.mkv-0042.mp4"),
        ("{year}/{month}/{date}-{time}.{ext}", "2018/09/2018-09-08-10-15-02.mp4"),
        ("{codec}-{width}x{height}-{position}-{count}", "h264-1280x720-unknown-1.mp4"),
        ("{{{index}}}", "{41}.mp4"),
        ("../../etc/{stem}", "etc/holiday.mp4"),
        ("a:b?", "a_b_.mp4"),
    ] {
        let mut naming = naming(pattern, "utc").expect("it starts");
        assert_eq!(naming.name(&request("cam/holiday.mkv")).expect("a name"), wanted, "{pattern}");
    }
}

#[test]
fn template_tries_again_and_keeps_to_one_folder_where_it_must() {
    let mut policy = naming("{dir}/{stem}", "utc").expect("it starts");
    let again = |attempt| Request { attempt, ..request("cam/holiday.mkv") };
    assert_eq!(policy.name(&again(1)).expect("a name"), "cam/holiday-1.mp4");
    assert_eq!(policy.name(&again(2)).expect("a name"), "cam/holiday-2.mp4");
    let flat = Request { folders: false, ..request("cam/holiday.mkv") };
    let name = policy.name(&flat).expect("a name");
    assert!(!name.contains('/') && name.ends_with("holiday.mp4"), "{name}");
    let mut own = naming("{stem}+{attempt}", "utc").expect("it starts");
    assert_eq!(own.name(&again(3)).expect("a name"), "holiday+3.mp4");
    let taken = Request {
        taken: Some(1_536_401_702_000_000),
        utc_offset: Some(120),
        ..request("cam/holiday.mkv")
    };
    let mut local = naming("{time}", "local").expect("it starts");
    assert_eq!(local.name(&taken).expect("a name"), "12-15-02.mp4");
}

#[test]
fn template_refuses_patterns_that_mean_nothing() {
    for pattern in ["{nonsense}", "{stem", "}"] {
        let Err(error) = naming(pattern, "utc") else { panic!("{pattern} was taken") };
        assert!(matches!(error, PluginError::Parameter { .. }), "{error}");
        assert!(error.to_string().contains("pattern"), "{error}");
    }
}
