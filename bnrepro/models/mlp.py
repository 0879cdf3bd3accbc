"""The fully connected net of section 4.1, between images and logits. Knows no data and no training."""

from keras import layers

from bnrepro.config.run_config import RunConfig
from bnrepro.models.blocks import drop_out, unit


def mlp_body(config: RunConfig, images):
    """Each hidden layer is `Dense -> [Dropout] -> [BatchNormalization] -> activation -> [Dropout]`, with one Dropout at most."""
    x = layers.Flatten(name="flatten")(images)
    for number in range(1, config.hidden_layers + 1):
        x = unit(config, x, config.hidden_units, f"hidden_{number}", dropout=config.dropout_place == "before")
        if config.dropout_place == "after" or (config.dropout_place == "last" and number == config.hidden_layers):
            x = drop_out(config, x, f"hidden_{number}")
    return x
