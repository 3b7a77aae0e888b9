//! What the guest is made of: a kernel of Debian's with its CAN modules, busybox, the test and the foreign programs.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::{FOLDER, FOREIGN, find};
use crate::process::{Failure, Workspace};

/// Modules in the order in which they build on each other.
const MODULES: &[&str] = &["can", "can-raw", "can-dev", "vcan", "sja1000", "kvaser_pci", "slcan"];

/// Folders of the project whose files the guest has.
const DATA: &[&str] = &["suites", "rigs"];

/// What was built for the guest.
pub(super) struct Built {
    /// the test
    pub(super) test: PathBuf,
    /// the command that it starts
    pub(super) busbar: PathBuf,
}

/// What the guest runs first.
const INIT: &str = include_str!("init.sh");

/// A kernel, unpacked.
pub(super) struct Kernel {
    /// what QEMU starts
    pub(super) image: PathBuf,
    /// its modules, in order
    modules: Vec<PathBuf>,
}

/// Downloads Debian's kernel, once, and unpacks what the guest needs of it.
pub(super) fn kernel(workspace: &Workspace) -> Result<Kernel, Failure> {
    let package = package(workspace)?;
    let unpacked = workspace.path(&format!("{FOLDER}/{package}"));
    if !unpacked.join("complete").is_file() {
        fs::create_dir_all(&unpacked).map_err(file(&unpacked))?;
        let script = "cd \"$1\" && apt-get download \"$2\" && \
             dpkg --fsys-tarfile \"$2\"_*.deb | \
             tar -x --wildcards './boot/vmlinuz-*' '*/net/can/*' && \
             find . -name '*.ko.xz' -exec busybox unxz {} + && rm \"$2\"_*.deb && touch complete";
        let unpack = workspace.program("sh").args(["-euc", script, "sh"]).arg(&unpacked);
        unpack.arg(&package).run()?;
    }
    let files = below(&unpacked)?;
    let named = |wanted: &str| files.iter().find(|path| path.file_name().is_some_and(|name| name == wanted));
    let image = files
        .iter()
        .find(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("vmlinuz-")));
    let lacks = |what: &str| Failure::Found(format!("the package {package} has no {what}"));
    let module = |name: &&str| {
        let file = format!("{name}.ko");
        named(&file).cloned().ok_or_else(|| lacks(&file))
    };
    Ok(Kernel {
        image: image.cloned().ok_or_else(|| lacks("kernel"))?,
        modules: MODULES.iter().map(module).collect::<Result<_, _>>()?,
    })
}

/// The package that Debian's `linux-image-amd64` stands for.
fn package(workspace: &Workspace) -> Result<String, Failure> {
    let said = workspace.program("apt-cache").args(["depends", "linux-image-amd64"]).output()?;
    depends(&String::from_utf8_lossy(&said)).ok_or_else(|| {
        Failure::Unprepared(
            "apt does not know `linux-image-amd64`, which brings the guest's kernel; run `sudo apt-get update` on a \
             Debian for x86-64"
                .to_owned(),
        )
    })
}

fn depends(said: &str) -> Option<String> {
    let mut named = said.lines().filter_map(|line| line.trim().strip_prefix("Depends: "));
    named.find(|package| package.starts_with("linux-image-")).map(str::to_owned)
}

/// Packs everything into the archive that the kernel unpacks into its memory.
pub(super) fn initramfs(
    workspace: &Workspace,
    kernel: &Kernel,
    built: &Built,
    args: &[String],
) -> Result<PathBuf, Failure> {
    let root = workspace.path(&format!("{FOLDER}/root"));
    if root.exists() {
        fs::remove_dir_all(&root).map_err(file(&root))?;
    }
    for folder in ["bin", "usr/bin", "modules", "proc", "sys", "dev", "tmp", "etc"] {
        let folder = root.join(folder);
        fs::create_dir_all(&folder).map_err(file(&folder))?;
    }
    let mut libraries = BTreeSet::new();
    for name in FOREIGN {
        let program = find(name).ok_or_else(|| Failure::Unprepared(format!("`{name}` is gone")))?;
        copy(&program, &root.join("usr/bin").join(name))?;
        libraries.extend(shared(workspace, &program)?);
    }
    for program in [&built.test, &built.busbar] {
        libraries.extend(shared(workspace, program)?);
    }
    for library in libraries {
        copy(&library, &root.join(library.strip_prefix("/").unwrap_or(&library)))?;
    }
    let busybox = find("busybox").ok_or_else(|| Failure::Unprepared("`busybox` is gone".to_owned()))?;
    copy(&busybox, &root.join("bin/busybox"))?;
    for module in &kernel.modules {
        copy(module, &root.join("modules").join(module.file_name().unwrap_or_default()))?;
    }
    // Names of its symbols would only make it longer to unpack.
    for (program, place) in [(&built.test, "test"), (&built.busbar, "usr/bin/busbar")] {
        let stripped = root.join(place);
        copy(program, &stripped)?;
        workspace.program("strip").arg(&stripped).run()?;
    }
    // What `busbar` reads; it finds the folder by BUSBAR_HOME.
    for file in
        DATA.iter().map(|folder| below(&workspace.path(folder))).collect::<Result<Vec<_>, _>>()?.concat()
    {
        if file.extension().is_some_and(|end| end == "yaml") {
            let inside = file.strip_prefix(workspace.path("")).unwrap_or(&file);
            copy(&file, &root.join("busbar").join(inside))?;
        }
    }
    let quoted: Vec<String> = args.iter().map(|arg| format!("'{}'", arg.replace('\'', "'\\''"))).collect();
    let list = MODULES.join(" ");
    let script = INIT.replace("@MODULES@", &list).replace("@ARGS@", &quoted.join(" "));
    let init = root.join("init");
    fs::write(&init, script).map_err(file(&init))?;
    let archive = workspace.path(&format!("{FOLDER}/initramfs"));
    let pack = "cd \"$1\" && chmod 755 init && find . | cpio --quiet -o -H newc > \"$2\"";
    workspace.program("sh").args(["-euc", pack, "sh"]).arg(&root).arg(&archive).run()?;
    Ok(archive)
}

/// The shared libraries of a program, as `ldd` finds them.
fn shared(workspace: &Workspace, program: &Path) -> Result<Vec<PathBuf>, Failure> {
    let said = workspace.program("ldd").arg(program).output()?;
    Ok(libraries(&String::from_utf8_lossy(&said)))
}

/// `libc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x…)`, and the loader, which has no arrow.
fn libraries(said: &str) -> Vec<PathBuf> {
    let path = |line: &str| line.split_whitespace().find(|word| word.starts_with('/')).map(PathBuf::from);
    said.lines().filter_map(path).collect()
}

fn copy(from: &Path, to: &Path) -> Result<(), Failure> {
    let folder = to.parent().map_or(Ok(()), fs::create_dir_all);
    folder.and_then(|()| fs::copy(from, to)).map(|_| ()).map_err(file(from))
}

/// Every file below a folder.
fn below(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).map_err(file(&folder))? {
            let path = entry.map_err(file(&folder))?.path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    files.sort();
    Ok(files)
}

fn file(path: &Path) -> impl Fn(std::io::Error) -> Failure {
    let path = path.display().to_string();
    move |source| Failure::File { path: path.clone(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_package_of_the_kernel_is_found() {
        let said = "linux-image-amd64\n  Depends: linux-image-6.1.0-56-amd64\n";
        assert_eq!(depends(said).as_deref(), Some("linux-image-6.1.0-56-amd64"));
        assert_eq!(depends("N: Unable to locate package\n"), None);
    }

    #[test]
    fn shared_libraries_are_read_from_ldd() {
        let said = "\tlinux-vdso.so.1 (0x00007ffd)\n\tlibc.so.6 => /lib/x/libc.so.6 (0x00007f)\n\
                    \t/lib64/ld-linux-x86-64.so.2 (0x00007f)\n";
        assert_eq!(libraries(said), ["/lib/x/libc.so.6", "/lib64/ld-linux-x86-64.so.2"].map(PathBuf::from));
        assert_eq!(libraries("\tnot a dynamic executable\n"), Vec::<PathBuf>::new());
    }

    #[test]
    fn the_guest_tells_how_the_test_ended() {
        assert!(INIT.contains(super::super::qemu::ENDED), "{INIT}");
        assert!(INIT.contains("@MODULES@") && INIT.contains("@ARGS@"), "{INIT}");
    }
}
