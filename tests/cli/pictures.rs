//! The pictures of the documentation: what runs show, as SVG. What is committed is what would be made.
//!
//! After a change of what they show: `REGCRED_TEST_WRITE=1 cargo test --test cli pictures`

use anstyle::{AnsiColor, RgbColor};
use anstyle_svg::{Palette, Term};
use regcred_sandbox::World;

use crate::first::file;
use crate::place::Place;
use crate::sources::terminal::on_a_terminal;

/// Colours that can be read on the picture's own ground, which is there on a light page and on a dark one.
const COLORS: [(AnsiColor, RgbColor); 4] = [
    (AnsiColor::Red, RgbColor(255, 161, 152)),
    (AnsiColor::Green, RgbColor(86, 211, 100)),
    (AnsiColor::Yellow, RgbColor(227, 179, 65)),
    (AnsiColor::Cyan, RgbColor(86, 212, 221)),
];
const TEXT: RgbColor = RgbColor(230, 237, 243);
const GROUND: RgbColor = RgbColor(22, 27, 34);
/// 100 columns of the 8.4 pixels that the crate takes for one.
const WIDTH: usize = 840;
/// A page that shows it loads in no time. In bytes.
const LIMIT: usize = 40 * 1024;

/// A screen with the command that shows it.
fn picture(command: &str, shown: &str) -> String {
    let mut palette = Palette([TEXT; 16]);
    for (color, seen) in COLORS {
        palette.0[color as usize] = seen;
    }
    let term = Term::new().palette(palette).fg_color(TEXT.into()).bg_color(GROUND.into()).min_width_px(WIDTH);
    term.render_svg(&format!("$ \x1b[1m{command}\x1b[0m\n{}", shown.replace('\r', "").trim_end()))
}

/// The committed picture is this one; with `REGCRED_TEST_WRITE` set it is from now on.
#[track_caller]
#[allow(clippy::disallowed_methods, reason = "a person says that the picture is to be written")]
fn held(name: &str, made: &str) {
    let path = file(&format!("docs/images/{name}.svg"));
    if std::env::var_os("REGCRED_TEST_WRITE").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, made).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == made,
        "{} is out of date: REGCRED_TEST_WRITE=1 cargo test --test cli pictures\n{made}",
        path.display()
    );
    assert!(made.len() < LIMIT, "{name}: {} bytes", made.len());
    for outside in ["href", "url(", "@import", "@font-face", "<script", "<image"] {
        assert!(!made.contains(outside), "{name}: {outside}");
    }
    assert_eq!(made.matches("://").count(), 1, "{name}: the name of SVG's own words is the only address");
}

/// Places that are written at the same time end in any order: the picture has that of the plan.
fn in_order(shown: &str, addresses: &[String]) -> String {
    let mut lines: Vec<&str> = shown.lines().collect();
    let word = |line: &&str| line.split(' ').next().unwrap_or_default().to_owned();
    for same in lines.chunk_by_mut(|one, next| word(one) == word(next)) {
        same.sort_by_key(|line| addresses.iter().position(|address| line.contains(address)));
    }
    lines.join("\n")
}

/// The rows of a plan, as it has them.
fn addresses(place: &Place) -> Vec<String> {
    let lines = place.run(&["plan", "--json"]).ends(0).lines();
    let changes = lines.iter().find_map(|line| line["changes"].as_array()).expect("a plan has rows");
    changes.iter().map(|row| row["address"].as_str().unwrap().to_owned()).collect()
}

/// Somebody at a terminal who answers so. Nothing on it moves, so that all that was shown stays.
fn answered(place: &Place, command: &str, answers: &[(&str, &str)]) -> String {
    let (code, shown) = on_a_terminal(place, &format!("{command} --color=always"), answers);
    assert_eq!(code, 0, "{shown}");
    shown
}

fn at_a_terminal() -> Place {
    let mut place = Place::with_pulumi();
    place.set("TERM", "dumb");
    place
}

#[test]
fn the_picture_of_a_plan_is_what_a_plan_shows() {
    let ran = Place::with_pulumi().run(&["plan", "--color=always"]);
    held("plan", &picture("regcred plan", &ran.ends(0).stdout));
}

#[test]
fn the_pictures_of_a_sync_and_of_a_missing_secret_are_what_is_shown() {
    let place = at_a_terminal();
    let addresses = addresses(&place);
    let shown = answered(&place, "sync", &[("[y/N] ", "y")]);
    held("sync", &picture("regcred sync", &in_order(&shown, &addresses)));

    let mut world = place.sandbox.state();
    world.github.repositories.get_mut("acme/api").unwrap().actions.secrets.remove("DOCKER_HUB_TOKEN");
    drop(world);
    let ran = place.run(&["verify", "--color=always"]);
    held("verify", &picture("regcred verify", &in_order(&ran.ends(2).stdout, &addresses)));
}

#[test]
fn the_picture_of_init_is_what_it_asks() {
    let answers =
        [("Registry [docker.io]: ", ""), ("From [pulumi]: ", ""), ("To [aws,github=acme/api]: ", "")];
    held("init", &picture("regcred init", &answered(&at_a_terminal(), "init", &answers)));
}

#[test]
fn what_somebody_named_to_be_markup_is_text_in_a_picture() {
    let hostile = "</text><script>alert(1)</script>&amp;";
    let ran = Place::bare(World::default()).run(&["image", hostile, "--color=always"]);
    let made = picture("regcred image", &ran.ends(3).stdout);
    assert!(made.contains("&lt;script&gt;alert(1)"), "{made}");
    assert!(!made.contains("<script") && made.matches("</text>").count() == 1, "{made}");
}

/// The share of light that comes from a colour, by WCAG 2.2.
fn light(RgbColor(red, green, blue): RgbColor) -> f64 {
    let linear = |part: u8| {
        let part = f64::from(part) / 255.0;
        if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue)
}

#[test]
fn every_colour_stands_out_from_a_pictures_own_ground() {
    for seen in COLORS.iter().map(|(_, seen)| *seen).chain([TEXT]) {
        let contrast = (light(seen) + 0.05) / (light(GROUND) + 0.05);
        assert!(contrast > 7.0, "{seen:?}: {contrast}");
    }
    let made = picture("regcred plan", "");
    let ground = made.find("<rect width=\"100%\" height=\"100%\"").expect("it has a ground of its own");
    assert!(ground < made.find("<text").unwrap());
}
