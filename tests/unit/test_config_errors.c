#include "config_files.h"

struct bad {
    const char *text; /* below CONFIG_BASE: its first line is line 3 */
    const char *messages;
};

static void expect_messages(const struct bad *bad, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct mx_buf     text = {0}, report = {0};
        struct mx_err     err = {0};
        struct mx_config *config;

        mx_buf_printf(&text, CONFIG_BASE "%s", bad[i].text);
        config = config_of_bytes(text.data, text.len, NULL, 0, false, &report, &err);
        cr_expect_null(config, "accepted:\n%s", bad[i].text);
        cr_expect_str_eq(mx_buf_str(&report), bad[i].messages);
        cr_expect_eq(err.code, MX_EINVAL);
        mx_config_free(config);
        mx_buf_free(&text);
        mx_buf_free(&report);
    }
}

#define BUILT_STRATEGIES                                                                           \
    "none, mixup, cutmix, cutout, saliencymix, resizemix, fmix, puzzlemix, gridmix, "              \
    "manifold_mixup, recursivemix, choices"

#define EXPECT(table) expect_messages(table, sizeof(table) / sizeof(table)[0])

Test(config_errors, what_looks_like_a_number_and_is_none)
{
    static const struct bad bad[] = {
        {"train: {lr: 007}", "c.yaml:3:13: error: train.lr: '007' has a leading zero (write 7)\n"},
        {"train: {epochs: 08}",
         "c.yaml:3:17: error: train.epochs: '08' has a leading zero (write 8)\n"},
        {"train: {lr: -01.5}",
         "c.yaml:3:13: error: train.lr: '-01.5' has a leading zero (write -1.5)\n"},
        {"train: {epochs: 0x10}", "c.yaml:3:17: error: train.epochs: '0x10' is not a number (write "
                                  "decimal digits only, such as 1000 or 1e-3)\n"},
        {"train: {epochs: 0o17}", "c.yaml:3:17: error: train.epochs: '0o17' is not a number (write "
                                  "decimal digits only, such as 1000 or 1e-3)\n"},
        {"train: {epochs: 1_000}", "c.yaml:3:17: error: train.epochs: '1_000' is not a number "
                                   "(write decimal digits only, such as 1000 or 1e-3)\n"},
        {"train: {epochs: 12:30}", "c.yaml:3:17: error: train.epochs: '12:30' is not a number "
                                   "(write decimal digits only, such as 1000 or 1e-3)\n"},
        {"train: {lr: .nan}", "c.yaml:3:13: error: train.lr: '.nan' is not a finite number\n"},
        {"train: {lr: -.inf}", "c.yaml:3:13: error: train.lr: '-.inf' is not a finite number\n"},
        {"train: {lr: 1e999}", "c.yaml:3:13: error: train.lr: '1e999' is too large a number\n"},
        {"train: {lr: abc}", "c.yaml:3:13: error: train.lr: 'abc' is not a number\n"},
        {"train: {lr: true}", "c.yaml:3:13: error: train.lr: 'true' is not a number\n"},
        {"train: {lr: '0.1'}",
         "c.yaml:3:13: error: train.lr: '0.1' is text because of its quotes (remove them)\n"},
        {"train: {epochs: 1.5}", "c.yaml:3:17: error: train.epochs: '1.5' is not a whole number\n"},
        {"seed: 1e17", "c.yaml:3:7: error: seed: 1e17 is out of bounds (0 to 9007199254740992)\n"},
    };

    EXPECT(bad);
}

Test(config_errors, only_true_and_false_are_booleans_and_no_is_a_word)
{
    static const struct bad bad[] = {
        {"train: {nesterov: yes}",
         "c.yaml:3:19: error: train.nesterov: 'yes' is neither true nor false\n"},
        {"train: {nesterov: True}",
         "c.yaml:3:19: error: train.nesterov: 'True' is neither true nor false\n"},
        {"train: {nesterov: 1}",
         "c.yaml:3:19: error: train.nesterov: '1' is neither true nor false\n"},
        {"train: {nesterov: \"true\"}", "c.yaml:3:19: error: train.nesterov: 'true' is text "
                                        "because of its quotes (remove them)\n"},
        {"grid: {mix.strategy: [no, cutmix, off]}",
         "c.yaml:3:23: error: mix.strategy: unknown strategy 'no' (allowed: " BUILT_STRATEGIES ")\n"
         "c.yaml:3:35: error: mix.strategy: unknown strategy 'off' (allowed: " BUILT_STRATEGIES
         ")\n"},
        {"mix: {labels: dominat}",
         "c.yaml:3:15: error: mix.labels: unknown labels 'dominat' (did you mean 'dominant'? "
         "allowed: mixed, dominant, host, only)\n"},
        {"mix: {strategy: fmx}", "c.yaml:3:17: error: mix.strategy: unknown strategy 'fmx' (did "
                                 "you mean 'fmix'? allowed: " BUILT_STRATEGIES ")\n"},
        {"mix: {choices: [mixupp]}", "c.yaml:3:17: error: mix.choices: unknown choices 'mixupp' "
                                     "(did you mean 'mixup'? allowed: " BUILT_STRATEGIES ")\n"},
    };

    EXPECT(bad);
}

Test(config_errors, values_out_of_bounds_or_of_the_wrong_type)
{
    static const struct bad bad[] = {
        {"mix: {alpha: 0}",
         "c.yaml:3:14: error: mix.alpha: 0 is out of bounds (above 0, up to 1000)\n"},
        {"mix: {alpha: -1}",
         "c.yaml:3:14: error: mix.alpha: -1 is out of bounds (above 0, up to 1000)\n"},
        {"mix: {size: 0}", "c.yaml:3:13: error: mix.size: 0 is written as a word: half\n"},
        {"schedule: {trial_timeout: 0s}",
         "c.yaml:3:27: error: schedule.trial_timeout: 0s is written as a word: none\n"},
        {"train: {batch_size: 0}",
         "c.yaml:3:21: error: train.batch_size: 0 is out of bounds (1 to 65536)\n"},
        {"mix: {prob: 1.01}", "c.yaml:3:13: error: mix.prob: 1.01 is out of bounds (0 to 1)\n"},
        {"mix: {size: -3}",
         "c.yaml:3:13: error: mix.size: -3 is out of bounds (1 to 1024, or half)\n"},
        {"schedule: {trial_timeout: 90}", "c.yaml:3:27: error: schedule.trial_timeout: '90' has no "
                                          "unit (write it as 90s, 5m or 2h30m)\n"},
        {"schedule: {trial_timeout: 12:30}",
         "c.yaml:3:27: error: schedule.trial_timeout: '12:30' is not a length of time; write it as "
         "90s, 5m or 2h30m\n"},
        {"train: {lr: [0.1, 0.2]}", "c.yaml:3:13: error: train.lr takes one value here (to sweep "
                                    "it, move the list into grid)\n"},
        {"train: {lr: {a: 1}}", "c.yaml:3:13: error: train.lr takes a value, not a mapping\n"},
        {"seed: [1]", "c.yaml:3:7: error: seed takes one value, not a list\n"},
        {"score: {metrics: accuracy}",
         "c.yaml:3:18: error: score.metrics takes a list (write [accuracy])\n"},
        {"score: {metrics: []}", "c.yaml:3:18: error: score.metrics: the list is empty\n"},
        {"score: {metrics: {accuracy: 1}}",
         "c.yaml:3:18: error: score.metrics takes a list, not a mapping\n"},
        {"mix: {strategy: choices, choices: {cutmix: 2, mixup: 1}}",
         "c.yaml:3:35: error: mix.choices takes a list, not a mapping (what is to be drawn twice "
         "as "
         "often stands there twice)\n"},
        {"score: {metrics: [accuracy, accuracy]}",
         "c.yaml:3:29: error: score.metrics: the same value is listed at line 3, column 19\n"},
        {"train:\n  lr:\n", "c.yaml:4:6: error: train.lr has no value\n"},
        {"train: {lr: ~}", "c.yaml:3:13: error: train.lr has no value\n"},
        {"name: null", "c.yaml:3:7: error: name has no value\n"},
        {"name: ''", "c.yaml:3:7: error: name: '' is empty\n"},
        {"name: \"a\\nb\"",
         "c.yaml:3:7: error: name: 'a?b' holds a line end or control character\n"},
        {"name: ../up", "c.yaml:3:1: error: name becomes a directory's name: at most 100 bytes, "
                        "without '/', and not beginning with '.' or '-'\n"},
        {"train: 3", "c.yaml:3:8: error: train takes a mapping of keys to values\n"},
        {"train:\n", "c.yaml:3:7: error: train takes a mapping of keys to values\n"},
    };

    EXPECT(bad);
}

Test(config_errors, unknown_keys_with_the_one_that_is_meant)
{
    static const struct bad bad[] = {
        {"train: {epoch: 3}",
         "c.yaml:3:9: error: unknown key 'epoch' (did you mean 'train.epochs'?)\n"},
        {"trian: {epochs: 3}", "c.yaml:3:1: error: unknown key 'trian' (did you mean 'train'?)\n"},
        {"gird: {}", "c.yaml:3:1: error: unknown key 'gird' (did you mean 'grid'?)\n"},
        {"lr: 0.1", "c.yaml:3:1: error: unknown key 'lr' (did you mean 'train.lr'?)\n"},
        {"train.lr: 0.1",
         "c.yaml:3:1: error: train.lr cannot stand at the top (write 'lr' below 'train:')\n"},
        {"zebra: 1", "c.yaml:3:1: error: unknown key 'zebra' (mixsweep check --keys lists all)\n"},
        {"mix: {momentum: 1}",
         "c.yaml:3:7: error: unknown key 'momentum' (did you mean 'train.momentum'?)\n"},
        {"grid: {mix.alhpa: [1]}",
         "c.yaml:3:8: error: unknown key 'mix.alhpa' (did you mean 'mix.alpha'?)\n"},
    };

    EXPECT(bad);
}

Test(config_errors, keys_and_values_that_are_there_twice)
{
    static const struct bad bad[] = {
        {"train:\n  epochs: 3\n  lr: 0.1\n  epochs: 4\n",
         "c.yaml:6:3: error: duplicate key 'epochs', first at line 4\n"},
        {"seed: 1\nname: x\nseed: 2\n",
         "c.yaml:5:1: error: duplicate key 'seed', first at line 3\n"},
        {"head: {hsfm.epochs: 40, hsfm: {epochs: 40}}",
         "c.yaml:3:32: error: head.hsfm.epochs is set twice, first at line 3\n"},
        {"grid: {train.lr: [1e-3, 5e-4, 1.0e-3]}",
         "c.yaml:3:31: error: train.lr: the same value is listed at line 3, column 19\n"},
        {"train: {lr: 0.1}\ngrid: {train.lr: [0.1]}",
         "c.yaml:4:8: error: train.lr is an axis here and has a value at line 3 (remove one of "
         "them)\n"},
        {"grid:\n  zip: {train.lr: [0.1, 0.2], mix.prob: [0, 1]}\n  train.lr: [1]\n",
         "c.yaml:5:3: error: train.lr is an axis twice, first at line 4\n"},
        {"smoke: {train.epochs: 1,\n  train: {epochs: 2}}",
         "c.yaml:4:11: error: smoke: train.epochs is set twice, first at line 3\n"},
        {"grid: {mix.prob: [1]}\ngrids: [{mix.prob: [1]}]",
         "c.yaml:4:1: error: grids cannot stand beside grid, at line 3 (make grid its first "
         "block)\n"},
        {"grid: {zip: {train.lr: [1, 1], mix.prob: [0, 0]}}",
         "c.yaml:3:13: error: zip: tuples 1 and 2 are equal\n"},
    };

    EXPECT(bad);
}

Test(config_errors, axes_that_hold_nothing_or_lead_nowhere)
{
    static const struct bad bad[] = {
        {"grid: {train.lr: []}", "c.yaml:3:18: error: axis train.lr has no values\n"},
        {"grid: {train.lr: 0.1}", "c.yaml:3:18: error: axis train.lr takes a list or a range "
                                  "(write [0.1], or set train.lr outside grid)\n"},
        {"grid: {train.lr: {linear: [0, 1], count: 3}}",
         "c.yaml:3:28: error: train.lr: 0 is out of bounds (above 0, up to 1000)\n"},
        {"grid: {mix.prob: {linear: [0, 1], step: 0}}",
         "c.yaml:3:41: error: mix.prob: a step of 0 never arrives\n"},
        {"grid: {mix.prob: {linear: [0, 1], step: -0.5}}",
         "c.yaml:3:41: error: mix.prob: the step leads away from the second end (change its "
         "sign)\n"},
        {"grid: {mix.prob: {linear: [0, 1], step: 0.3}}",
         "c.yaml:3:41: error: mix.prob: the step does not reach the second end (the last value "
         "would be 0.9; change the end or use count)\n"},
        {"grid: {mix.prob: {linear: [0, 1], count: 0}}",
         "c.yaml:3:42: error: mix.prob: count must be a whole number, 1 or more\n"},
        {"grid: {mix.prob: {linear: [0, 1], count: 1}}",
         "c.yaml:3:42: error: mix.prob: a count of 1 cannot hold two ends\n"},
        {"grid: {mix.prob: {linear: [1, 1], count: 2}}",
         "c.yaml:3:42: error: mix.prob: equal ends give one value (count: 1)\n"},
        {"grid: {mix.prob: {log: [0, 1], count: 3}}",
         "c.yaml:3:24: error: mix.prob: both ends of a log range must be above 0\n"},
        {"grid: {mix.prob: {log: [0.1, 1], step: 3}}",
         "c.yaml:3:40: error: mix.prob: a log range takes count, not step\n"},
        {"grid: {mix.prob: {linear: [0, 1]}}",
         "c.yaml:3:18: error: mix.prob: a linear range needs step or count\n"},
        {"grid: {mix.prob: {count: 3}}",
         "c.yaml:3:18: error: mix.prob: a range needs either linear: [a, b] or log: [a, b]\n"},
        {"grid: {mix.prob: {linear: [0], count: 3}}",
         "c.yaml:3:27: error: mix.prob: a range needs two ends (write [a, b])\n"},
        {"grid: {mix.prob: {linear: [0, 1], number: 3}}",
         "c.yaml:3:35: error: mix.prob: a range has linear or log, step or count, and nothing "
         "else\n"},
        {"grid: {train.epochs: {linear: [1, 4], count: 3}}",
         "c.yaml:3:22: error: train.epochs: the range holds values that are not whole numbers\n"},
        {"grid: {train.epochs: {log: [1, 10], count: 3}}",
         "c.yaml:3:22: error: train.epochs: the range holds values that are not whole numbers\n"},
        {"grid: {mix.strategy: {linear: [0, 1], count: 2}}",
         "c.yaml:3:22: error: mix.strategy: only numbers have ranges (write a list)\n"},
        {"grid: {seed: [1, 2]}", "c.yaml:3:8: error: seed cannot be an axis (only keys of data, "
                                 "model, train, mix and head can)\n"},
        {"grid: {schedule.retries: [1]}",
         "c.yaml:3:8: error: schedule.retries cannot be an axis (only keys of data, model, train, "
         "mix and head can)\n"},
        {"grid: [1]", "c.yaml:3:7: error: grid takes a mapping of keys to lists or ranges\n"},
        {"grids: {}", "c.yaml:3:8: error: grids takes a list of grid blocks\n"},
        {"grid: {zip: {train.lr: [1, 2], mix.prob: [0, 1, 0.5]}}",
         "c.yaml:3:32: error: zip: mix.prob has 3 values and train.lr has 2 (give them equally "
         "many)\n"},
        {"grid: {zip: {train.lr: [1, 2], mix.prob: [0]}}",
         "c.yaml:3:32: error: zip: mix.prob has 1 value and train.lr has 2 (give them equally "
         "many)\n"},
        {"grid: {zip: [1]}",
         "c.yaml:3:13: error: zip takes a mapping of keys to lists of one length\n"},
    };

    EXPECT(bad);
}

Test(config_errors, exclude_rules_that_cannot_be_meant)
{
    static const struct bad bad[] = {
        {"exclude: {mix.prob: 1}", "c.yaml:3:10: error: exclude takes a list of rules (write - "
                                   "{mix.strategy: cutmix})\n"},
        {"exclude: [{}]", "c.yaml:3:11: error: an exclude rule takes a mapping of keys to values, "
                          "lists or bounds\n"},
        {"exclude: [{seed: 1}]", "c.yaml:3:12: error: seed cannot be excluded (only keys of data, "
                                 "model, train, mix and head can)\n"},
        {"exclude: [{mix.strategy: cutmx}]",
         "c.yaml:3:26: error: mix.strategy: unknown strategy 'cutmx' (did you mean 'cutmix'? "
         "allowed: " BUILT_STRATEGIES ")\n"},
        {"exclude: [{mix.prob: []}]", "c.yaml:3:22: error: exclude: mix.prob has an empty list\n"},
        {"exclude: [{mix.prob: {}}]", "c.yaml:3:22: error: exclude: mix.prob has no condition\n"},
        {"exclude: [{mix.prob: {under: 1}}]",
         "c.yaml:3:23: error: exclude: a condition takes a value, a list, or {below: x, above: "
         "y}\n"},
        {"exclude: [{mix.prob: {below: .1, above: .9}}]",
         "c.yaml:3:22: error: exclude: nothing is above 0.9 and below 0.1\n"},
        {"exclude: [{mix.strategy: {below: 1}}]",
         "c.yaml:3:26: error: exclude: mix.strategy is not a number and has no below or above\n"},
        {"exclude: [{mix.prob: {below: x}}]", "c.yaml:3:30: error: below: 'x' is not a number\n"},
    };

    EXPECT(bad);
}

Test(config_errors, what_is_known_and_not_built_says_so_by_name)
{
    static const struct bad bad[] = {
        {"train: {precision: tf32}\nschedule: {device: cpu}",
         "c.yaml:3:9: error: train.precision: tf32 needs a GPU, and schedule.device is cpu, which "
         "computes in f32 (write f32, or schedule: {device: cuda})\n"},
        {"grid: {train.precision: [f32, tf32]}\nschedule: {device: cpu}",
         "c.yaml:3:8: error: train.precision: tf32 needs a GPU, and schedule.device is cpu, which "
         "computes in f32 (write f32, or schedule: {device: cuda})\n"},
        {"model: {weights: w.safetensors}",
         "c.yaml:3:1: error: duplicate key 'model', first at line 2\n"},
        {"search: {strategy: sobol}",
         "c.yaml:3:10: error: search.strategy: sobol chooses among the cells; tell how many (write "
         "search.budget: 50)\n"},
        {"train: {epochs: 0}", "c.yaml:3:9: error: train.epochs: 0 needs model.weights (write "
                               "model: {weights: file.safetensors})\n"},
    };

    EXPECT(bad);
}

Test(config_errors, early_stopping_that_could_stop_nothing)
{
    static const struct bad bad[] = {
        {"schedule: {early_stop: sha, min_epochs: 30}",
         "c.yaml:3:12: error: schedule.early_stop: no training is longer than schedule.min_epochs "
         "(30): none could be stopped\n"},
        {"train: {epochs: 9}\nschedule: {early_stop: asha, brackets: 4}",
         "c.yaml:4:30: error: schedule.brackets: 3 are enough: the first rung of the last of "
         "those is at 9 epochs, and no training is longer\n"},
        {"schedule: {early_stop: median}\ndata: {set: features, path: f}",
         "c.yaml:4:1: error: duplicate key 'data', first at line 1\n"},
        {"schedule: {early_stop: sha, reduction_factor: 1}",
         "c.yaml:3:47: error: schedule.reduction_factor: 1 is out of bounds (2 to 100)\n"},
        {"score: {metrics: [accuracy, occlusion_accuracy]}\n"
         "search: {metric: val.occlusion_accuracy.30}\nschedule: {early_stop: median}",
         "c.yaml:5:12: error: schedule.early_stop: trainings are judged by search.metric, and "
         "'val.occlusion_accuracy.30' is not known while they run (write search: {metric: "
         "val.accuracy})\n"},
    };

    EXPECT(bad);
}

Test(config_errors, milestones_that_fall_and_averages_that_never_move)
{
    static const struct bad bad[] = {
        {"train: {schedule: multi_step}",
         "c.yaml:3:9: error: train.milestones is missing (write train: {schedule: multi_step, "
         "milestones: [10, 20]})\n"},
        {"grid: {train.schedule: [cosine, multi_step]}",
         "c.yaml:3:8: error: train.milestones is missing (write train: {schedule: multi_step, "
         "milestones: [10, 20]})\n"},
        {"train: {schedule: multi_step, milestones: [20, 10]}",
         "c.yaml:3:43: error: train.milestones: the values must rise (such as [10, 20])\n"},
        {"train: {schedule: multi_step, milestones: [10, 10]}",
         "c.yaml:3:48: error: train.milestones: the same value is listed at line 3, column 44\n"},
        {"grid: {train.milestones: [[10, 20], [9, 8]]}",
         "c.yaml:3:37: error: train.milestones: the values must rise (such as [10, 20])\n"},
        {"train: {ema: 1}", "c.yaml:3:14: error: train.ema: 1 is out of bounds (0 to 0.999999)\n"},
    };

    EXPECT(bad);
}

Test(config_errors, parameters_of_mixing_out_of_bounds)
{
    static const struct bad bad[] = {
        {"mix: {strategy: mixup, alpha: 0}",
         "c.yaml:3:31: error: mix.alpha: 0 is out of bounds (above 0, up to 1000)\n"},
        {"mix: {strategy: mixup, alpha: -1}",
         "c.yaml:3:31: error: mix.alpha: -1 is out of bounds (above 0, up to 1000)\n"},
        {"mix: {strategy: mixup, alpha: .nan}",
         "c.yaml:3:31: error: mix.alpha: '.nan' is not a finite number\n"},
        {"mix: {strategy: mixup, prob: 1.5}",
         "c.yaml:3:30: error: mix.prob: 1.5 is out of bounds (0 to 1)\n"},
        {"mix: {strategy: gridmix, cells: 1}",
         "c.yaml:3:33: error: mix.cells: 1 is out of bounds (2 to 64)\n"},
        {"mix: {strategy: resizemix, scale: [0.8, 0.1]}",
         "c.yaml:3:35: error: mix.scale takes a lowest and a highest value (such as [0.1, 0.8])\n"},
        {"mix: {strategy: resizemix, scale: [0.5]}",
         "c.yaml:3:35: error: mix.scale takes a lowest and a highest value (such as [0.1, 0.8])\n"},
        {"mix: {strategy: resizemix, scale: 0.5}",
         "c.yaml:3:35: error: mix.scale takes a list (write [0.5])\n"},
        {"mix: {strategy: resizemix, scale: [0.5, 1.5]}",
         "c.yaml:3:41: error: mix.scale: 1.5 is out of bounds (0 to 1)\n"},
        {"mix: {strategy: puzzlemix, gamma: 1.5}",
         "c.yaml:3:35: error: mix.gamma: 1.5 is out of bounds (0 to 1)\n"},
        {"mix: {strategy: fmix, decay: 0}",
         "c.yaml:3:30: error: mix.decay: 0 is out of bounds (above 0, up to 100)\n"},
        {"mix: {strategy: choices, choices: [mixup, mixup, mixup, mixup, mixup, mixup, mixup, "
         "mixup, mixup, mixup, mixup, mixup, mixup, mixup, mixup, mixup, cutmix]}",
         "c.yaml:3:35: error: mix.choices: 17 values, where 16 can be given\n"},
        {"mix: {strategy: manifold_mixup, layers: [input, input]}",
         "c.yaml:3:49: error: mix.layers: the same value is listed at line 3, column 42\n"},
    };

    EXPECT(bad);
}

Test(config_errors, values_that_do_not_go_together)
{
    static const struct bad bad[] = {
        {"train: {epochs: 3, warmup_epochs: 3.5}",
         "c.yaml:3:20: error: train.warmup_epochs is longer than train.epochs\n"},
        {"train: {warmup_epochs: 2}\ngrid: {train.epochs: [1, 5]}",
         "c.yaml:3:9: error: train.warmup_epochs is longer than train.epochs\n"},
        {"train: {epochs: 3}\nmix: {strategy: mixup, off_epochs: 4}",
         "c.yaml:4:24: error: mix.off_epochs is longer than train.epochs\n"},
        {"train: {epochs: 3}\nmix: {strategy: mixup, ramp_epochs: 4}",
         "c.yaml:4:24: error: mix.ramp_epochs is longer than train.epochs\n"},
        {"mix: {strategy: recursivemix, labels: host}",
         "c.yaml:3:31: error: mix.labels: recursivemix mixes labels over and over, and goes with "
         "mixed only (leave other rules out with exclude)\n"},
        {"grid: {mix.strategy: [mixup, puzzlemix], data.size: [32, 33]}",
         "c.yaml:3:42: error: data.size: puzzlemix cuts images in halves at least, and needs an "
         "even size (leave odd ones out with exclude)\n"},
        {"mix: {labels: only}\ngrid: {mix.strategy: [mixup, manifold_mixup]}",
         "c.yaml:3:7: error: mix.labels: manifold_mixup mixes within the network, and does not go "
         "with only (leave it out with exclude)\n"
         "c.yaml:4:8: error: mix.layers: model.arch linear has no stages to mix after (write mix: "
         "{layers: [input]})\n"},
        {"grid: {mix.strategy: [cutmix, recursivemix], mix.labels: [mixed, dominant, only]}\n"
         "exclude: [{mix.strategy: recursivemix, mix.labels: only}]",
         "c.yaml:3:46: error: mix.labels: recursivemix mixes labels over and over, and goes with "
         "mixed only (leave other rules out with exclude)\n"},
        {"mix: {strategy: choices, choices: [cutmix, recursivemix], labels: dominant}",
         "c.yaml:3:59: error: mix.labels: recursivemix mixes labels over and over, and goes with "
         "mixed only (leave other rules out with exclude)\n"},
        {"mix: {strategy: choices}",
         "c.yaml:3:7: error: mix.choices is missing (write mix: {strategy: choices, choices: "
         "[mixup, cutmix]})\n"},
        {"mix: {strategy: choices, choices: [mixup, choices]}",
         "c.yaml:3:26: error: mix.choices: 'choices' is no strategy to choose\n"},
        {"grid: {data.channels: [1, 2]}",
         "c.yaml:3:8: error: data.channels: is 2 (an image has 1 or 3 channels)\n"},
        {"search: {metric: test.accuracy}",
         "c.yaml:3:10: error: search.metric: 'test.accuracy' is not of the validation part (write "
         "val.METRIC, such as val.accuracy)\n"},
        {"search: {metric: val.confidence}",
         "c.yaml:3:10: error: search.metric: 'val.confidence' is not measured (add the metric to "
         "score.metrics)\n"},
        {"smoke: {data.set: mnist}",
         "c.yaml:3:9: error: smoke cannot set data.set (a smoke run makes a miniature of the set "
         "itself)\n"},
        {"smoke: {train: {epoch: 1}}",
         "c.yaml:3:17: error: unknown key 'epoch' (did you mean 'train.epochs'?)\n"},
    };

    EXPECT(bad);
}

Test(config_errors, what_is_missing_is_named_with_an_example)
{
    struct mx_buf report = {0};

    cr_expect_null(config_of("seed: 1\n", &report));
    cr_expect_str_eq(mx_buf_str(&report),
                     "c.yaml:1:1: error: data.set is missing (write data: {set: fashion-mnist})\n"
                     "c.yaml:1:1: error: model.arch is missing (write model: {arch: resnet8})\n");
    mx_buf_free(&report);
    cr_expect_null(config_of("seed: 1\ndata: {val_fraction: 0}\nmodel: {arch: linear}\n", &report));
    cr_expect_str_eq(mx_buf_str(&report),
                     "c.yaml:2:1: error: data.set is missing (write data: {set: fashion-mnist})\n");
    mx_buf_free(&report);
    cr_expect_null(config_of("data: {set: mnist}\nmodel: {arch: linear}\n"
                             "score: {metrics: [accuracy, worst_group_accuracy]}\n",
                             &report));
    cr_expect_str_eq(mx_buf_str(&report),
                     "c.yaml:3:9: error: score.metrics: 'worst_group_accuracy' needs groups, and "
                     "the data set has none\n");
    mx_buf_free(&report);
}

Test(config_errors, all_are_told_in_the_order_of_the_file_then_of_the_command_line)
{
    static const char *const sets[] = {"train.epoch=3",   "mix.alpha=0",      "train.lr",
                                       "train.lr=[1, 2]", "grid.seed=[1, 2]", "name="};
    static const char        text[] = CONFIG_BASE "mix: {alpha: x}\nsede: 1\ntrain: {lr: 0}\n";
    struct mx_buf            report = {0};
    struct mx_err            err = {0};

    cr_expect_null(config_of_bytes(text, strlen(text), sets, 6, false, &report, &err));
    cr_expect_str_eq(
        mx_buf_str(&report),
        "c.yaml:3:14: error: mix.alpha: 'x' is not a number\n"
        "c.yaml:4:1: error: unknown key 'sede' (did you mean 'seed'?)\n"
        "c.yaml:5:13: error: train.lr: 0 is out of bounds (above 0, up to 1000)\n"
        "--set train.epoch=3: error: unknown key 'train.epoch' (did you mean 'train.epochs'?)\n"
        "--set mix.alpha=0: error: mix.alpha: 0 is out of bounds (above 0, up to 1000)\n"
        "--set train.lr: error: no '=' in it (write --set key=value)\n"
        "--set train.lr=[1, 2]: error: train.lr takes one value here (to sweep it, write --set "
        "grid.KEY=[...])\n"
        "--set grid.seed=[1, 2]: error: seed cannot be an axis (only keys of data, model, train, "
        "mix and head can)\n"
        "--set name=: error: the value is empty\n");
    cr_expect_str_eq(err.text, "c.yaml: 9 errors");
    mx_buf_free(&report);
}

Test(config_errors, dominoes_of_classes_that_a_set_does_not_have)
{
    static const struct bad bad[] = {
        {"model: {arch: linear}\n"
         "data: {set: dominoes, dominoes: {top_classes: [0, 10], bottom_classes: [7]}}\n",
         "c.yaml:2:34: error: data.dominoes.top_classes: mnist has the classes 0 to 9, not 10\n"
         "c.yaml:2:56: error: data.dominoes.bottom_classes needs two classes or more\n"},
        {"model: {arch: linear}\ndata: {set: dominoes, dominoes: {top: folder}}\n",
         "c.yaml:2:39: error: data.dominoes.top: unknown top 'folder' (allowed: mnist, "
         "fashion-mnist, "
         "kmnist, cifar10, cifar100)\n"},
    };

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct mx_buf report = {0};

        cr_expect_null(config_of_bytes(bad[i].text, strlen(bad[i].text), NULL, 0, false, &report,
                                       &(struct mx_err){0}));
        cr_expect_str_eq(mx_buf_str(&report), bad[i].messages);
        mx_buf_free(&report);
    }
}
