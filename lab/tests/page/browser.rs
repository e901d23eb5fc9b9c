//! A real browser without a window, which shows a page and measures it.

use millpond_testdb::Tool;
use serde_json::Value;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const CHROMIUM: Tool = Tool {
    title: "Chromium",
    names: &[
        "chromium",
        "chromium-browser",
        "google-chrome",
        "google-chrome-stable",
    ],
    places: &[
        "/snap/bin/chromium",
        "/Applications/Chromium.app/Contents/MacOS/Chromium",
        "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    ],
    // It comes without letters of its own.
    packages: &["chromium", "fonts-liberation"],
    variable: "MILLPOND_CHROMIUM",
    forbid: "MILLPOND_FETCH_CHROMIUM",
};

/// The browser, with one page in a folder that goes when this is dropped.
#[derive(Debug)]
pub(crate) struct Browser {
    program: PathBuf,
    folder: PathBuf,
}

/// How a page is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scheme {
    Light,
    Dark,
}

/// A picture of a page.
#[derive(Debug)]
pub(crate) struct Picture {
    width: usize,
    height: usize,
    pixels: Vec<[u8; 3]>,
}

/// A part of a page, in its pixels.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Area {
    pub(crate) left: usize,
    pub(crate) top: usize,
    pub(crate) width: usize,
    pub(crate) height: usize,
}

impl Browser {
    /// With this page, in a folder of that name.
    pub(crate) fn with(page: &str, name: &str) -> Self {
        let program = CHROMIUM
            .find_or_install()
            .unwrap_or_else(|error| panic!("{error}"));
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("page-{name}"));
        // What a killed run left: there is one of each name at a time.
        let _none_left = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).expect("a folder");
        let browser = Self { program, folder };
        browser.write("page.html", page);
        // The same page with a script in it, which its own policy would refuse.
        let (head, rest) = page.split_once("<meta http-equiv").expect("a policy");
        let (_, rest) = rest.split_once('>').expect("its end");
        let measured = format!("{head}{rest}<script>{MEASURE}</script>");
        browser.write("measured.html", &measured);
        browser
    }

    /// What the page says of itself at a width of so many pixels.
    pub(crate) fn measure(&self, width: usize) -> Value {
        let frame = frame("measured.html", width, 800);
        let html = self.write("measure.html", &frame);
        let window = format!("--window-size={},800", width.max(600));
        let words = [window.as_str(), "--virtual-time-budget=10000", "--dump-dom"];
        let dom = self.run(Scheme::Light, &words, &html);
        let dom = String::from_utf8_lossy(&dom);
        let said = dom
            .split_once("data-said=\"")
            .and_then(|(_, rest)| rest.split_once('"'));
        let (said, _) = said.unwrap_or_else(|| panic!("the page says nothing: {dom}"));
        serde_json::from_str(&said.replace("&quot;", "\"")).expect("it says it in JSON")
    }

    /// What the page looks like, all of it.
    pub(crate) fn picture(&self, scheme: Scheme, width: usize, height: usize) -> Picture {
        let html = self.write("shown.html", &frame("page.html", width, height));
        let to = self.folder.join(format!("{scheme:?}-{width}.png"));
        let window = format!("--window-size={},{height}", width.max(600));
        let shot = format!("--screenshot={}", to.display());
        self.run(
            scheme,
            &[&window, &shot, "--virtual-time-budget=3000"],
            &html,
        );
        if let Some(kept) = std::env::var_os("MILLPOND_KEEP_SCREENSHOTS") {
            fs::create_dir_all(&kept).expect("a folder for screenshots");
            let name = to.file_name().expect("it has a name");
            fs::copy(&to, Path::new(&kept).join(name)).expect("it is kept");
        }
        Picture::read(&to)
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let file = self.folder.join(name);
        fs::write(&file, text).expect("a file");
        file
    }

    /// Runs it to its end, and returns what it writes.
    fn run(&self, scheme: Scheme, words: &[&str], page: &Path) -> Vec<u8> {
        let out = self.folder.join("out");
        let log = self.folder.join("log");
        let mut command = Command::new(&self.program);
        command
            .args([
                "--headless=new",
                "--disable-gpu",
                "--hide-scrollbars",
                "--no-first-run",
            ])
            // Root may not use the sandbox, and the page is our own.
            .args([
                "--no-sandbox",
                "--disable-dev-shm-usage",
                "--force-device-scale-factor=1",
            ])
            .arg(format!(
                "--user-data-dir={}",
                self.folder.join("profile").display()
            ))
            .args((scheme == Scheme::Dark).then_some("--force-dark-mode"))
            .args(words)
            .arg(format!("file://{}", page.display()))
            .env("HOME", &self.folder)
            .stdin(Stdio::null())
            .stdout(File::create(&out).expect("a file"))
            .stderr(File::create(&log).expect("a file"));
        let child = command
            .spawn()
            .unwrap_or_else(|e| panic!("{}: {e}", self.program.display()));
        let ended = Running(child).ended();
        let said = || fs::read_to_string(&log).unwrap_or_default();
        assert!(ended, "{command:?} did not end well:\n{}", said());
        fs::read(&out).expect("its output")
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.folder) {
            eprintln!("{}: {error}", self.folder.display());
        }
    }
}

/// A browser that is at work; killed if it does not end.
struct Running(Child);

impl Running {
    fn ended(mut self) -> bool {
        let until = Instant::now() + AT_MOST;
        while Instant::now() < until {
            match self.0.try_wait() {
                Ok(Some(status)) => return status.success(),
                Ok(None) => std::thread::sleep(Duration::from_millis(20)),
                Err(_) => return false,
            }
        }
        false
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Ended already, if all is well.
        let _ended = self.0.kill();
        let _ended = self.0.wait();
    }
}

const AT_MOST: Duration = Duration::from_secs(120);

/// A page around a page, as no window is as narrow as a phone. What the inner one says stands in an attribute.
fn frame(page: &str, width: usize, height: usize) -> String {
    format!(
        "<!doctype html><meta charset=\"utf-8\"><style>:root {{ color-scheme: light dark }} \
         body {{ margin: 0 }} iframe {{ border: 0; display: block }}</style>\
         <script>addEventListener('message', said => document.documentElement.setAttribute('data-said', said.data))</script>\
         <iframe src=\"{page}\" width=\"{width}\" height=\"{height}\"></iframe>"
    )
}

impl Picture {
    fn read(file: &Path) -> Self {
        let file = File::open(file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        let mut decoder = png::Decoder::new(std::io::BufReader::new(file));
        decoder.set_transformations(png::Transformations::EXPAND | png::Transformations::STRIP_16);
        let mut reader = decoder.read_info().expect("a PNG");
        let mut bytes = vec![0; reader.output_buffer_size().expect("it fits")];
        let info = reader.next_frame(&mut bytes).expect("a picture");
        let samples = info.color_type.samples();
        assert!(samples >= 3, "a picture with colours");
        Self {
            width: info.width as usize,
            height: info.height as usize,
            pixels: bytes[..info.buffer_size()]
                .chunks_exact(samples)
                .map(|pixel| [pixel[0], pixel[1], pixel[2]])
                .collect(),
        }
    }

    /// How many pixels of an area are of about that colour, as `#rrggbb`.
    pub(crate) fn count(&self, area: Area, color: &str) -> usize {
        let wanted =
            [1, 3, 5].map(|at| u8::from_str_radix(&color[at..at + 2], 16).expect("a colour"));
        let rows = area.top..(area.top + area.height).min(self.height);
        let row = |y: usize| {
            let columns = area.left..(area.left + area.width).min(self.width);
            &self.pixels[y * self.width + columns.start..y * self.width + columns.end]
        };
        let near = |pixel: &&[u8; 3]| {
            let far = pixel
                .iter()
                .zip(wanted)
                .map(|(is, want)| is.abs_diff(want))
                .max();
            far.is_some_and(|far| far <= 24)
        };
        rows.map(|y| row(y).iter().filter(near).count()).sum()
    }

    /// All of it, of a page so wide.
    pub(crate) fn all(&self, width: usize) -> Area {
        Area {
            left: 0,
            top: 0,
            width: width.min(self.width),
            height: self.height,
        }
    }
}

/// What is measured: how wide and high the page is, where each plot that is shown lies and of what kind it is, and what a
/// reader would stumble over: what sticks out of the page, letters that are too small, texts that cover each other or that
/// their plot cuts off.
const MEASURE: &str = r#"
addEventListener('load', () => {
  const seen = element => { const box = element.getBoundingClientRect(); return box.width > 0 && box.height > 0; };
  const place = element => {
    const box = element.getBoundingClientRect();
    return { left: box.left + scrollX, top: box.top + scrollY, width: box.width, height: box.height };
  };
  const all = selector => [...document.querySelectorAll(selector)].filter(seen);
  const plots = all('figure.plot svg').map(svg => ({
    kind: svg.closest('figure').classList.contains('timeline') ? 'timeline' : 'waits',
    label: svg.getAttribute('aria-label'), case: svg.closest('section').id, ...place(svg) }));
  const outside = all('body *').filter(element => {
    if (element.closest('.scroll') && !element.classList.contains('scroll')) return false;
    return element.getBoundingClientRect().right > innerWidth + 0.5;
  }).map(element => element.tagName + '.' + element.getAttribute('class'));
  const small = [], covered = [], cut = [];
  for (const svg of all('figure.plot svg')) {
    const frame = svg.getBoundingClientRect();
    const texts = [...svg.querySelectorAll('text')].filter(text => text.textContent.trim());
    const boxes = texts.map(text => [text.textContent.trim(), text.getBoundingClientRect()]);
    boxes.forEach(([text, box], number) => {
      if (box.height < 9) small.push(text + ': ' + box.height);
      if (box.left < frame.left - 1 || box.right > frame.right + 1 || box.bottom > frame.bottom + 2) cut.push(text);
      for (const [other, its] of boxes.slice(number + 1)) {
        const across = Math.min(box.right, its.right) - Math.max(box.left, its.left);
        const down = Math.min(box.bottom, its.bottom) - Math.max(box.top, its.top);
        if (across > 1 && down > 4) covered.push(text + ' | ' + other);
      }
    });
  }
  const small_words = all('td, p, li, dd, dt, h4').filter(it => parseFloat(getComputedStyle(it).fontSize) < 12);
  parent.postMessage(JSON.stringify({
    width: innerWidth, scroll: document.documentElement.scrollWidth, height: document.documentElement.scrollHeight,
    plots, outside, small, covered, cut, small_words: small_words.length,
    title: document.title, scripts: document.scripts.length
  }), '*');
});
"#;
