"""What the SLACK paper's tables say: accuracies in percent.

"Quoted there" are numbers that the paper took from other papers. Unless said otherwise the columns
are WRN-40-2 and WRN-28-10 on CIFAR-10, then on CIFAR-100.
"""

QUOTED: dict[str, dict[str, tuple[str, ...]]] = {
  "table-1": {
    "AutoAugment (quoted there)": ("96.3", "97.4", "79.3", "82.9"),
    "Fast AutoAugment (quoted there)": ("96.4", "97.3", "79.4", "82.7"),
    "DADA (quoted there)": ("96.4", "97.3", "79.1", "82.5"),
    "RandAugment (quoted there)": ("-", "97.3", "-", "83.3"),
    "TeachAugment (quoted there)": ("-", "97.5", "-", "83.2"),
    "UniformAugment (quoted there)": ("96.25", "97.33", "79.01", "82.82"),
    "TrivialAugment Wide (quoted there)": (
      "96.32 ± .05",
      "97.46 ± .06",
      "79.86 ± .19",
      "84.33 ± .17",
    ),
    "DeepAA (quoted there)": ("-", "97.56 ± .14", "-", "84.02 ± .18"),
    "DeepAA (reproduced there)": ("96.25 ± .11", "97.27 ± .11", "79.26 ± .35", "83.38 ± .33"),
    "Uniform (paper)": ("96.12 ± .08", "97.26 ± .07", "78.79 ± .25", "82.82 ± .24"),
    "SLACK (paper)": ("96.29 ± .08", "97.46 ± .06", "79.87 ± .11", "84.08 ± .16"),
  },
  "table-2": {
    "TrivialAugment RA (paper)": ("85.87 ± .30",),
    "TrivialAugment Wide (paper)": ("86.39 ± .18",),
    "Uniform (paper)": ("85.78 ± .32",),
    "SLACK (paper)": ("86.06 ± .11",),
  },
  "table-3": {  # in the order of DOMAINS
    "DomainBed (paper)": (
      "62.54 ± .15",
      "66.54 ± .91",
      "26.76 ± .36",
      "59.54 ± .37",
      "58.31 ± .25",
      "66.23 ± .10",
    ),
    "TrivialAugment Wide, ImageNet (paper)": (
      "71.56 ± .07",
      "68.60 ± .05",
      "35.44 ± .33",
      "66.21 ± .16",
      "65.15 ± .20",
      "71.19 ± .19",
    ),
    "Uniform (paper)": (
      "70.37 ± .08",
      "68.27 ± .06",
      "34.11 ± .21",
      "65.22 ± .17",
      "63.97 ± .24",
      "72.26 ± .14",
    ),
    "SLACK (paper)": (
      "71.00 ± .13",
      "68.14 ± .11",
      "34.78 ± .18",
      "65.41 ± .16",
      "64.83 ± .12",
      "72.65 ± .20",
    ),
  },
  "table-4": {  # CIFAR-10, CIFAR-100
    "searched with WRN-40-2 (paper)": ("97.43 ± .04", "83.94 ± .20"),
    "searched with WRN-28-10 (paper)": ("97.46 ± .06", "84.08 ± .16"),
  },
  "table-5": {
    "without KL (paper)": ("96.27 ± .05", "97.06 ± .11", "79.61 ± .13", "83.79 ± .19"),
    "with KL (paper)": ("96.29 ± .08", "97.46 ± .06", "79.87 ± .11", "84.08 ± .16"),
  },
  "table-6": {
    "Uniform (paper)": ("96.22 ± .10", "97.38 ± .05", "79.07 ± .24", "83.26 ± .17"),
    "bounds only (paper)": ("96.20 ± .08", "97.42 ± .05", "79.22 ± .17", "83.57 ± .18"),
    "ops only (paper)": ("96.22 ± .09", "97.35 ± .04", "79.36 ± .11", "83.45 ± .15"),
    "both (paper)": ("96.29 ± .08", "97.46 ± .06", "79.87 ± .11", "84.08 ± .16"),
  },
  "table-13": {
    "unrolled with KL (paper)": ("96.30 ± .08", "97.43 ± .04", "79.54 ± .20", "84.11 ± .13"),
    "without KL (paper)": ("96.27 ± .05", "97.06 ± .11", "79.61 ± .13", "83.79 ± .19"),
    "SLACK (paper)": ("96.29 ± .08", "97.46 ± .06", "79.87 ± .11", "84.08 ± .16"),
  },
  "table-14": {
    "SLACK (paper)": ("96.29 ± .08", "97.46 ± .06", "79.87 ± .11", "84.08 ± .16"),
    "ensemble (paper)": ("96.33 ± .08", "97.48 ± .06", "79.94 ± .13", "84.01 ± .14"),
  },
  "table-15": {
    "warm start (paper)": ("96.27 ± .09", "97.05 ± .15", "79.70 ± .11", "83.90 ± .10"),
    "cold start (paper)": ("96.29 ± .08", "97.46 ± .06", "79.87 ± .11", "84.08 ± .16"),
  },
}
