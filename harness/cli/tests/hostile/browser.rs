//! The report of a hostile battery in a real browser, `BUSBAR_BROWSER` (Chromium or Chrome): no script runs.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::project::{forge, project, run};

/// The document as the browser has it once scripts had time to run: a browser that starves on a busy machine writes it
/// too early, so it gets more time until `ran` holds, or until more would tell nothing.
fn shown(browser: &str, page: &Path, profile: &Path, ran: fn(&str) -> bool) -> String {
    let last = Duration::from_secs(320);
    let mut budget = Duration::from_secs(5);
    loop {
        let dom = dumped(browser, page, profile, budget);
        if ran(&dom) || budget >= last {
            return dom;
        }
        budget *= 4;
    }
}

/// The document after so much time of the page.
fn dumped(browser: &str, page: &Path, profile: &Path, budget: Duration) -> String {
    let seen = profile.join("dom.html");
    let mut command = Command::new(browser);
    command
        .args(["--headless", "--disable-gpu", "--no-sandbox", "--no-first-run", "--disable-dev-shm-usage"])
        .arg(format!("--virtual-time-budget={}", budget.as_millis()))
        .args(["--window-size=1200,20000", "--dump-dom"])
        .arg(format!("--user-data-dir={}", profile.display()))
        .arg(format!("file://{}", page.display()))
        .stdin(Stdio::null())
        .stdout(fs::File::create(&seen).expect("a file"))
        .stderr(Stdio::null());
    let mut child = command.spawn().unwrap_or_else(|error| panic!("BUSBAR_BROWSER is {browser}: {error}"));
    let end = Instant::now() + Duration::from_secs(120);
    while child.try_wait().expect("it is ours").is_none() {
        if Instant::now() > end {
            let _ = child.kill();
            let _ = child.wait();
            panic!("{browser} does not end");
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    let dom = fs::read_to_string(seen).expect("text");
    assert!(dom.contains("</html>"), "{browser} showed nothing: {dom:?}");
    dom
}

/// The title as it stands in the document: scripts of the attack write another.
fn title(dom: &str) -> &str {
    let from = dom.find("<title>").map_or(0, |at| at + "<title>".len());
    dom[from..].split("</title>").next().unwrap_or_default()
}

#[test]
fn no_script_runs() {
    let Ok(browser) = std::env::var("BUSBAR_BROWSER") else {
        println!("not run: BUSBAR_BROWSER names no browser, such as chromium");
        return;
    };
    let (home, out) = (project(), TempDir::new().expect("a temporary folder"));
    let (run, _) = run(home.path(), &out.path().join("runs"));
    forge(&run);
    let again = crate::project::busbar(home.path(), &["report", &run.to_string_lossy()]);
    assert!(again.status.success(), "{}", String::from_utf8_lossy(&again.stderr));
    let report = run.join("report.html");
    let look = |page: &Path, ran: fn(&str) -> bool| shown(&browser, page, &out.path().join("profile"), ran);
    let drawn = |dom: &str| dom.contains("class=\"tools\"");
    fs::create_dir(out.path().join("profile")).expect("a folder");

    // The attack works where nobody defends.
    let open = out.path().join("open.html");
    let attack = format!("<title>safe</title><p>{}", crate::project::HOSTILE.replace('\0', ""));
    fs::write(&open, attack).expect("a page");
    assert_eq!(
        title(&look(&open, |dom| title(dom) == "owned")),
        "owned",
        "this browser runs what it is given"
    );

    let dom = look(&report, drawn);
    assert!(title(&dom).contains("&lt;script&gt;"), "the name, as text: {}", title(&dom));
    for tag in ["<img", "<svg onload", "<cmd"] {
        let around =
            dom.find(tag).map(|at| dom[at.saturating_sub(200)..].chars().take(400).collect::<String>());
        assert_eq!(around, None, "a tag came from a name");
    }
    assert!(drawn(&dom), "the script of the page itself runs");

    // Were a tag to slip through, the policy of the page would still run nothing.
    let text = fs::read_to_string(&report).expect("a report");
    let slipped = text.replacen(
        "<main>",
        "<main><script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">",
        1,
    );
    assert_ne!(slipped, text);
    fs::write(&open, slipped).expect("a page");
    let dom = look(&open, drawn);
    assert!(dom.contains("<img") && title(&dom) != "owned", "{}", title(&dom));
}
