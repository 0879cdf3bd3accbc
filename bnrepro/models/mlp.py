"""The fully connected net of section 4.1, between images and logits. Knows no data and no training."""

from bnrepro.config.component import field
from bnrepro.config.registry import register
from bnrepro.config.validation import at_least, one_of
from bnrepro.models.base import Model

ACTIVATIONS = ("sigmoid", "relu", "tanh")


@register("model", "mlp")
class MLP(Model):
    """Each hidden layer is `Dense -> [Dropout] -> [BatchNormalization] -> activation -> [Dropout]`, with one Dropout at most."""

    hidden_layers: int = field(3, at_least(1), "hidden layers")
    hidden_units: int = field(100, at_least(1), "units in each hidden layer")
    activation: str = field("sigmoid", one_of(*ACTIVATIONS), "the nonlinearity")
    dropout_place: str = field(
        "after",
        one_of("before", "after", "last"),
        "right before each normalization, after each nonlinearity, or after the last nonlinearity alone",
    )

    @property
    def watched(self) -> str:
        """The last nonlinearity."""
        return f"hidden_{self.hidden_layers}_activation"

    def build(self, x, blocks):
        from keras import layers

        x = layers.Flatten(name="flatten")(x)
        for number in range(1, self.hidden_layers + 1):
            name = f"hidden_{number}"
            x = blocks.unit(x, self.hidden_units, name, self.activation, dropout=self.dropout_place == "before")
            last = number == self.hidden_layers
            if self.dropout_place == "after" or (self.dropout_place == "last" and last):
                x = blocks.drop_out(x, name)
        return x
